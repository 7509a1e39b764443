"""App: the object that an application is built on."""

from __future__ import annotations

import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any

from kolben.app.globals import g
from kolben.app.services import Services
from kolben.base import Limits, Timeouts

if TYPE_CHECKING:
    from kolben.commands.runner import FlaskCliRunner
    from kolben.testing import FlaskClient

__all__ = ["METHODS", "App"]


class App(Services):
    """An application: Flask's API.  Register with it, then serve it, call it as WSGI, or test it.

    The class is built in storeys, a file each, of which a higher one knows the lower ones only:
    scaffold · settings · registration · urls · rendering · responses · errors · dispatch · living · services.

    Attributes:
        limits: How much a peer may make the server hold; `app.limits = Limits(body=64 * 2**20)` for more.
        timeouts: How long the server waits for anything.
    """

    limits = Limits()
    timeouts = Timeouts()

    def _add_first_rules(self, static_host: str | None, host_matching: bool) -> None:
        if not self.has_static_folder:
            return
        if bool(static_host) != host_matching:
            raise AssertionError("Invalid static_host/host_matching combination")
        # Not the bound method: an app that holds itself is freed only when the collector comes by.
        app = weakref.ref(self)
        self.add_url_rule(
            f"{self.static_url_path}/<path:filename>",
            endpoint="static",
            host=static_host,
            view_func=lambda **values: app().send_static_file(**values),  # type: ignore[union-attr]  # who calls a view holds its app
        )

    def make_shell_context(self) -> dict[str, Any]:
        """Return the names of an interactive shell."""
        names: dict[str, Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve this app until Control-C.

        Args:
            host: Address to listen on; left out, SERVER_NAME's or 127.0.0.1.  "0.0.0.0" for all.
            port: Left out, SERVER_NAME's or 5000.
            debug: Switch debug mode on or off.
            load_dotenv: Read .env and .flaskenv first.
            options: For the server: `use_reloader`, `use_debugger`, `threaded` ...
        """
        from kolben.app.running import run_app

        run_app(self, host, port, debug, load_dotenv, options)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> FlaskClient:
        """Make a client that speaks to this app without a socket; more arguments go to its class, `test_client_class`."""
        client_class = self.test_client_class
        if client_class is None:
            from kolben.testing import FlaskClient

            client_class = FlaskClient
        return client_class(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> FlaskCliRunner:
        """Make a runner for this app's commands; arguments go to its class, `test_cli_runner_class`."""
        runner_class = self.test_cli_runner_class
        if runner_class is None:
            from kolben.commands.runner import FlaskCliRunner

            runner_class = FlaskCliRunner
        return runner_class(self, **kwargs)


# As they are before anybody can have replaced one.
METHODS = {name: value for cls in reversed(App.__mro__) for name, value in vars(cls).items() if isinstance(value, FunctionType)}

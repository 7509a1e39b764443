"""Serving an app: what `app.run()` does, with the environment read first."""

from __future__ import annotations

import os
import sys
from contextvars import Context
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from kolben.app.environment import load_dotenv
from kolben.app.settings import get_debug_flag, get_load_dotenv
from kolben.base import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.app.app import App

__all__ = ["is_running_from_reloader", "run_app", "serve", "show_server_banner"]


def is_running_from_reloader() -> bool:
    """Tell whether a reloader started this process; it says so in the environment, as Werkzeug's does."""
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"


def show_server_banner(debug: bool | None, app_import_path: str | None) -> None:
    """Print what is served, once: not again in the process that a reloader started."""
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        print(f" * Serving Flask app '{app_import_path}'")  # noqa: T201 - Flask's banner
    if debug is not None:
        print(f" * Debug mode: {'on' if debug else 'off'}")  # noqa: T201 - the same


def _replaced_run_simple() -> Callable[..., None] | None:
    """Return what somebody put in the place of Werkzeug's run_simple: a test's recorder, an instrument."""
    serving: Any = sys.modules.get("werkzeug.serving")  # never imported: never replaced
    if serving is None:
        return None
    current = serving.run_simple
    if isinstance(current, FunctionType) and current.__globals__ is vars(serving):
        return None
    return cast("Callable[..., None]", current)


def serve(host: str, port: int, app: Any, *, debug: bool, **options: Any) -> None:
    """Serve with our own server, or with what replaced Werkzeug's.

    Args:
        host: Where to listen; "unix://path" for a Unix socket.
        port: The same.
        app: What answers.
        debug: The app is in debug mode: the default of `use_reloader` and `use_debugger`.
        options: As Werkzeug's run_simple takes them.  Ours reads `use_reloader`, `use_debugger`, `use_evalex`, `extra_files`,
            `exclude_patterns` and `reloader_interval`, and refuses `ssl_context`.
    """
    options = {"use_reloader": debug, "use_debugger": debug, "threaded": True, **options}
    replacement = _replaced_run_simple()
    if replacement is not None:
        replacement(host, port, app, **options)
        return
    if options.get("ssl_context") is not None:
        raise SystemExit("kolben: ssl_context, --cert: TLS is not there yet; put a proxy that speaks it in front, or leave it out")
    try:
        run(app, [bind_of(host, port)], options, debug=debug)
    except UsageError as error:  # such as a port in use: a sentence for a person, not a traceback
        raise SystemExit(f"kolben: {error}") from None


def run(app: Any, binds: list[str], options: dict[str, Any], *, debug: bool) -> None:
    """Serve with our own server; in development with a reloader, a debugger, or both."""
    if options["use_reloader"] or options["use_debugger"]:
        from kolben import dev

        if options["use_reloader"] and not is_running_from_reloader():
            raise SystemExit(dev.reload(binds))
        wanted = dev.Development(
            reload=bool(options["use_reloader"]),
            debug=bool(options["use_debugger"]),
            evaluate=options.get("use_evalex", True),
            extra_files=tuple(options.get("extra_files") or ()),
            exclude_patterns=tuple(options.get("exclude_patterns") or ()),
            interval=options.get("reloader_interval", 1),
        )
        dev.serve(app, binds, wanted)
        return
    from kolben.server import run_app as run_on_our_server

    # In a context of its own: an app context around app.run() is not that of the requests, which would share its `g`.
    Context().run(run_on_our_server, app, binds=binds, debug=debug)


def bind_of(host: str, port: int) -> str:
    """Write host and port as the server reads them."""
    if host.startswith("unix:"):  # "unix://path" is Flask's spelling
        return "unix:" + host.removeprefix("unix:").removeprefix("//")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run_app(app: App, host: str | None, port: int | None, debug: bool | None, read_dotenv: bool, server_options: dict[str, Any]) -> None:
    """Do what `App.run` promises."""
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # a command imports the file: serving is not what it was asked for
        if not is_running_from_reloader():
            print(  # noqa: T201 - as Flask says it
                " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command.\n"
                "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
            )
        return
    if get_load_dotenv(read_dotenv):
        load_dotenv()
        if "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    host, port = _address(app, host, port)
    show_server_banner(app.debug, app.name)
    try:
        serve(host, port, app, debug=app.debug, **server_options)
    finally:
        app._got_first_request = False  # in an interactive session, registering may go on


def _address(app: App, host: str | None, port: int | None) -> tuple[str, int]:
    named_host, _, named_port = (app.config.get("SERVER_NAME") or "").partition(":")
    if port is None:
        port = int(named_port or 5000)
    return host or named_host or "127.0.0.1", int(port)

"""A client that calls the app as WSGI: no socket, no thread."""

from __future__ import annotations

import importlib.metadata
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

import werkzeug.test
from werkzeug.test import Client, run_wsgi_app
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wsgi import get_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers
    from werkzeug.test import TestResponse

    from kolben.app.app import App
    from kolben.sessions import SessionMixin

__all__ = ["EnvironBuilder", "FlaskClient"]

Transport = Literal["wsgi", "native"]


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Makes an environ whose host, root and scheme are those of the app's config.

    Args:
        app: Whose config.
        path: Path, or whole URL.
        base_url: Scheme, host and root; then neither `subdomain` nor `url_scheme`.
        subdomain: Stands before SERVER_NAME.
        url_scheme: Instead of PREFERRED_URL_SCHEME.
        args, kwargs: As for Werkzeug's.
    """

    def __init__(
        self,
        app: App,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise AssertionError('Cannot pass "subdomain" or "url_scheme" with "base_url".')
        if base_url is None:
            url = urlsplit(path)
            host = app.config.get("SERVER_NAME") or "localhost"
            host = url.netloc or (f"{subdomain}.{host}" if subdomain else host)
            scheme = url.scheme or (app.config["PREFERRED_URL_SCHEME"] if url_scheme is None else url_scheme)
            base_url = f"{scheme}://{host}/{app.config['APPLICATION_ROOT'].lstrip('/')}"
            path = f"{url.path}?{url.query}" if url.query else url.path
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        return self.app.json.dumps(obj, **kwargs)


@cache
def _werkzeug_version() -> str:
    return importlib.metadata.version("werkzeug")


class FlaskClient(Client):
    """Werkzeug's test client, with sessions and contexts.  Usually made by `app.test_client()`.

    Inside `with client:` the context of the last request stays active, so that a test can look at `request`, `session` and `g`.

    Attributes:
        environ_base: Put under the environ of every request.
        transport: What requests go by: "wsgi", a call, or "native", HTTP/1.1 bytes through our own server.
    """

    application: App
    transport: Transport = "wsgi"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list[AbstractContextManager[Any]] = []
        self._context_stack = ExitStack()
        self.environ_base = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": f"Werkzeug/{_werkzeug_version()}"}

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Open the session that the next request would have, to change it: it is saved when the block ends.

        Arguments as for `open`, in case the session depends on the URL.
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")
        app = self.application
        context = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(context.request.environ)
        with context:
            session = app.session_interface.open_session(app, context.request)
        if session is None:
            raise RuntimeError("Session backend did not open a session.")
        yield session
        if app.session_interface.is_null_session(session):
            return
        response = app.response_class()
        with context:
            app.session_interface.save_session(app, session, response)
        host = context.request.host.partition(":")[0]
        self._update_cookies_from_response(host, context.request.path, response.headers.getlist("Set-Cookie"))

    def _copy_environ(self, other: WSGIEnvironment) -> WSGIEnvironment:
        environ = {**self.environ_base, **other}
        if self.preserve_context:
            environ["werkzeug.debug.preserve_context"] = self._new_contexts.append
        return environ

    def _request_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseRequest:
        """Make a request of what `open` was called with: a builder, an environ, a request, or the builder's arguments."""
        first = args[0] if args else None
        if isinstance(first, BaseRequest):
            request = copy(first)
            request.environ = self._copy_environ(request.environ)
            return request
        if isinstance(first, dict):
            return EnvironBuilder.from_environ(first, app=self.application, environ_base=self._copy_environ({})).get_request()
        if isinstance(first, werkzeug.test.EnvironBuilder):
            builder: werkzeug.test.EnvironBuilder = copy(first)
            builder.environ_base = self._copy_environ(builder.environ_base or {})  # type: ignore[arg-type]  # any mapping will do
            return builder.get_request()
        return self._request_from_builder_args(args, kwargs)

    def _request_from_builder_args(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseRequest:
        """Make a request of a builder's arguments.  Flask-SocketIO's test client calls this by Flask's name."""
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def run_wsgi_app(self, environ: WSGIEnvironment, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
        """Send one request by the client's transport; cookies go with it, and come back."""
        if self.transport == "wsgi":
            return super().run_wsgi_app(environ, buffered)
        from kolben.testing.native import NativeFace

        self._add_cookies_to_wsgi(environ)
        answer = run_wsgi_app(NativeFace(self.application), environ, buffered=buffered)
        host = get_host(environ).partition(":")[0]
        self._update_cookies_from_response(host, environ["PATH_INFO"], answer[2].getlist("Set-Cookie"))
        return answer

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any) -> TestResponse:
        """Send a request and return the response; `get`, `post` ... call this.

        Args:
            *args: An EnvironBuilder, an environ, a request, or arguments for an EnvironBuilder.
            **kwargs: More of those.
            buffered: Read the whole body first, then close the app's iterator.
            follow_redirects: Go on until the answer is none.
        """
        request = self._request_for(args, kwargs)
        self._context_stack.close()  # of the request before
        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json  # type: ignore[assignment]  # the app's provider has the module's functions
        for context in self._new_contexts:
            self._context_stack.enter_context(context)
        self._new_contexts.clear()
        return response

    def __enter__(self) -> Self:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.preserve_context = False
        self._context_stack.close()

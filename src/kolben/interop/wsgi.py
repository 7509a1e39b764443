"""The WSGI face: an environ becomes a request, the request's answer becomes status, headers and chunks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.wrappers import Response

__all__ = ["Application", "Context", "answer"]


class Context(Protocol):
    """What is current while one request is answered."""

    def push(self) -> None: ...

    def pop(self, exc: BaseException | None) -> None: ...


class Application(Protocol):
    """What this face needs of an app."""

    def request_context(self, environ: WSGIEnvironment) -> Any: ...

    def full_dispatch_request(self) -> Response: ...

    def handle_exception(self, e: Exception) -> Response: ...

    def should_ignore_error(self, error: BaseException | None) -> bool: ...


def answer(app: Application, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request.  The teardown has run when this returns, unless a stream still needs the context."""
    context: Context = app.request_context(environ)
    error: BaseException | None = None
    try:
        try:
            context.push()
            response = app.full_dispatch_request()
        except Exception as raised:
            error = raised
            response = app.handle_exception(raised)
        except BaseException:
            error = sys.exc_info()[1]
            raise
        return response(environ, start_response)
    finally:
        # A test's client keeps the context for the asserts that follow; so did Werkzeug's debugger.
        keep = environ.get("werkzeug.debug.preserve_context")
        if keep is not None:
            keep(context)
        if error is not None and app.should_ignore_error(error):
            error = None
        context.pop(error)

"""The general path of a request: every overridable method is called, in Flask's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kolben.app._plan import keep_for_test
from kolben.app.contexts import AppContext

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from kolben.app.app import App
    from kolben.app.wrappers import Request

__all__ = ["answer", "answer_by_environ"]


def answer(app: App, request: Request) -> Response:
    """Answer one request in a context made for it."""
    return _answer_in(app, AppContext(app, request=request))


def answer_by_environ(app: App, request: Request) -> Response:
    """Answer one request of an app that makes contexts or requests its own way: from an environ, as Flask gives it."""
    return _answer_in(app, app.request_context(request.environ))


def _answer_in(app: App, context: Any) -> Response:
    error: BaseException | None = None
    try:
        try:
            context.push()
            return app.full_dispatch_request()
        except Exception as raised:
            error = raised
            return app.handle_exception(raised)
        except BaseException as raised:
            error = raised
            raise
    finally:
        keep_for_test(context, context.request.environ)
        if error is not None and app.should_ignore_error(error):
            error = None
        context.pop(error)

"""The general path of a request: every overridable method is called, in Flask's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kolben.app._plan import keep_for_test
from kolben.app.app import METHODS
from kolben.app.contexts import AppContext

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from kolben.app.app import App
    from kolben.app.wrappers import Request

__all__ = ["answer", "answer_by_environ"]


def answer(app: App, request: Request) -> Response:
    """Answer one request in a context made for it."""
    if not _has_own_app_context(app):
        return _answer_in(app, AppContext(app, request=request))
    with app.app_context():  # as Flask 3.1 has it: the context of the request rides on one of the app
        return _answer_in(app, AppContext(app, request=request))


def answer_by_environ(app: App, request: Request) -> Response:
    """Answer one request of an app that makes contexts or requests its own way: from an environ, as Flask gives it."""
    if not _has_own_app_context(app):
        return _answer_in(app, app.request_context(request.environ))
    with app.app_context():
        return _answer_in(app, app.request_context(request.environ))


def _has_own_app_context(app: App) -> bool:
    """Tell whether somebody else makes the app's contexts."""
    return "app_context" in vars(app) or type(app).app_context is not METHODS["app_context"]


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

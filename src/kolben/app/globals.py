"""Names that mean "the current one": current_app, g, request, session.

Each is a proxy onto a context variable.  Outside of a context, using one says which context is missing and how to get one.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from kolben.app.app import App
    from kolben.app.contexts import AppContext, AppGlobals
    from kolben.app.wrappers import Request
    from kolben.sessions import SessionMixin

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]

NO_APP = """Working outside of application context.

What was used here (current_app, g, url_for, a database extension ...) belongs to one app, and none is active on this thread or task.
Outside of requests, make one active for a block:

    with app.app_context():
        ..."""

NO_REQUEST = """Working outside of request context.

What was used here (request, session, flash ...) belongs to one HTTP request, and none is being answered on this thread or task.
In tests and scripts, make one for a block:

    with app.test_request_context("/path"):
        ...

In a thread or task that a view starts, hand the request over with copy_current_request_context."""

_cv_app: ContextVar[AppContext] = ContextVar("kolben.app_ctx")
_cv_request: ContextVar[AppContext] = ContextVar("kolben.request_ctx")


def _proxy(variable: ContextVar[AppContext], name: str | None, message: str) -> Any:
    return LocalProxy(variable, name, unbound_message=message)


app_ctx = cast("AppContext", _proxy(_cv_app, None, NO_APP))
current_app = cast("App", _proxy(_cv_app, "app", NO_APP))
g = cast("AppGlobals", _proxy(_cv_app, "g", NO_APP))
request_ctx = cast("AppContext", _proxy(_cv_request, None, NO_REQUEST))
request = cast("Request", _proxy(_cv_request, "request", NO_REQUEST))
session = cast("SessionMixin", _proxy(_cv_request, "session", NO_REQUEST))

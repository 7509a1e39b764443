"""Names that mean "the current one": current_app, g, request, session.

Each is a proxy onto a context variable.  Outside of a context, using one says which context is missing and how to get one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kolben.app._current import _cv_app, _cv_request, make_proxies

if TYPE_CHECKING:
    from kolben.app.app import App
    from kolben.app.contexts import AppContext, AppGlobals
    from kolben.app.wrappers import Request
    from kolben.sessions import SessionMixin

__all__ = ["_cv_app", "_cv_request", "app_ctx", "current_app", "g", "request", "request_ctx", "session"]

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

_app_ctx, _current_app, _g, _request_ctx, _request, _session = make_proxies(NO_APP, NO_REQUEST)
app_ctx = cast("AppContext", _app_ctx)
current_app = cast("App", _current_app)
g = cast("AppGlobals", _g)
request_ctx = cast("AppContext", _request_ctx)
request = cast("Request", _request)
session = cast("SessionMixin", _session)

"""Flask's module `ctx`."""

from kolben.app.contexts import (
    AppContext,
    RequestContext,
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from kolben.app.contexts import AppGlobals as _AppCtxGlobals
from kolben.app.globals import _cv_app, _cv_request

__all__ = [
    "AppContext",
    "RequestContext",
    "_AppCtxGlobals",
    "_cv_app",
    "_cv_request",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]

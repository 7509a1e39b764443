"""Flask's module `globals`."""

from kolben.app.globals import (
    _cv_app,
    _cv_request,
    app_ctx,
    current_app,
    g,
    request,
    request_ctx,
    session,
)

__all__ = [
    "_cv_app",
    "_cv_request",
    "app_ctx",
    "current_app",
    "g",
    "request",
    "request_ctx",
    "session",
]

"""The app's logger: named like the app, writing where the server wants errors unless logging is set up otherwise."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO, cast

from werkzeug.local import LocalProxy

from kolben.app.globals import _cv_request

if TYPE_CHECKING:
    from kolben.app.app import App

__all__ = ["create_logger", "default_handler", "has_level_handler", "wsgi_errors_stream"]


def _errors_stream() -> TextIO:
    context = _cv_request.get(None)
    return sys.stderr if context is None else cast("TextIO", context.request.environ["wsgi.errors"])


# A proxy, since the stream is another one in each request, and sys.stderr may be replaced (pytest does).
wsgi_errors_stream = cast("TextIO", LocalProxy(_errors_stream))

default_handler = logging.StreamHandler(wsgi_errors_stream)
default_handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether a handler would take what the logger lets through, its own or an ancestor's."""
    level = logger.getEffectiveLevel()
    current: logging.Logger | None = logger
    while current is not None:
        if any(handler.level <= level for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


def create_logger(app: App) -> logging.Logger:
    """Find or make the logger of an app; in debug mode it lets everything through."""
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger

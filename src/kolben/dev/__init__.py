"""Reloader, error page, debugger: only ever in development.

A production profile never imports this room.
"""

from kolben.dev.serving import Development, reload, serve

__all__ = ["Development", "reload", "serve"]

"""Flask's module `wrappers`."""

from kolben.app.wrappers import Request, Response

__all__ = [
    "Request",
    "Response",
]

"""A request: Werkzeug's, on native data."""

from __future__ import annotations

from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.http._request import RequestBase

__all__ = ["Request"]


class Request(RequestBase, WerkzeugRequest):
    """A request as views see it.

    Made by our server without Werkzeug's constructor, from the bytes of its head; or, as Werkzeug's, from a WSGI environ.
    Either way every attribute of Werkzeug's is there, computed when asked for.
    """

"""A response: Werkzeug's, with the native way out."""

from __future__ import annotations

from werkzeug.wrappers import Response as WerkzeugResponse

__all__ = ["Response"]


class Response(WerkzeugResponse):
    """A response as views make it.  Its state is in `__dict__`, as Werkzeug's is; how it is sent is native."""

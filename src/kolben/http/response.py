"""A response: Werkzeug's, with the native way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response as WerkzeugResponse

if TYPE_CHECKING:
    from typing import Self

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request

__all__ = ["Response"]

SUFFIX = re.compile(r"bytes=-([0-9]{1,18})", re.ASCII)


class Response(WerkzeugResponse):
    """A response as views make it.  Its state is in `__dict__`, as Werkzeug's is; how it is sent is native."""

    def make_conditional(
        self,
        request_or_environ: WSGIEnvironment | Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Self:
        """Answer as the request's conditions and ranges ask.  Werkzeug: same, but for one range.

        The last N bytes of what is shorter than N are all of it (RFC 9110, section 14.1.2), not a range that cannot be satisfied.
        """
        environ: Any = getattr(request_or_environ, "environ", request_or_environ)
        asked = SUFFIX.fullmatch(environ.get("HTTP_RANGE", ""))
        if asked and complete_length and int(asked[1]) > complete_length:
            environ = {**environ, "HTTP_RANGE": "bytes=0-"}
        super().make_conditional(environ, accept_ranges, complete_length)
        return self

"""A response: Werkzeug's, with the native way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.http._house_fields import set_house_fields

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["Response", "set_house_fields"]


class Response(WerkzeugResponse):
    """A response as views make it.  Its state is in `__dict__`, as Werkzeug's is; how it is sent is native."""

    def _process_range_request(self, environ: WSGIEnvironment, complete_length: int | None, accept_ranges: bool | str) -> bool:
        """As Werkzeug's; and a suffix that is longer than what there is means all of it (RFC 9110, section 14.1.2)."""
        unit, _, suffix = environ.get("HTTP_RANGE", "").partition("=-")
        if complete_length and unit.strip().lower() == "bytes" and suffix.isascii() and suffix.isdigit():
            digits = suffix.lstrip("0")
            if len(digits) > len(str(complete_length)) or int(digits or 0) > complete_length:
                environ = environ | {"HTTP_RANGE": f"bytes=-{complete_length}"}
        return super()._process_range_request(environ, complete_length, accept_ranges)

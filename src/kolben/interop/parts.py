"""A response taken apart for an ASGI server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kolben.http._response import PlainResponse, WholeResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.http import Request

__all__ = ["Parts", "take_apart"]

PHRASE_AT = 3  # "200 OK"


@dataclass(slots=True)
class Parts:
    """Status, fields and body.

    Attributes:
        whole: The body; None: it is in `pieces`.
        pieces: An iterable, perhaps an async one.
        close: To be called after the last byte.
        needs_close: Whether that does anything.
    """

    status: int
    fields: list[tuple[bytes, bytes]]
    whole: bytes | None
    pieces: Any
    close: Callable[[], object]
    needs_close: bool


def take_apart(response: Any, request: Request | None) -> Parts:
    """Do what Werkzeug's `__call__` does for a WSGI server; the whole body is here, a lazy one is not begun."""
    if isinstance(response, PlainResponse):
        return plain_parts(response, request)
    if isinstance(response, WholeResponse):
        return whole_parts(response, request)
    assert request is not None  # noqa: S101 - only refusals have none, and they are plain
    environ = request.environ
    if hasattr(response.response, "__aiter__"):
        fields = response.get_wsgi_headers(environ)
        bodyless = environ["REQUEST_METHOD"] == "HEAD" or response.status_code in {204, 304}
        return Parts(
            response.status_code, encoded(fields), b"" if bodyless else None, None if bodyless else response.response, response.close, True
        )
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        started[:] = [status, fields]
        return written.append

    pieces = response(environ, start_response)
    if not started:
        raise RuntimeError(f"{type(response).__name__}: expected it to call start_response before its first byte (PEP 3333)")
    close = getattr(pieces, "close", None) or nothing
    whole = b"".join([*written, *pieces]) if response.is_sequence or written else None
    status, fields = started
    return Parts(int(status[:PHRASE_AT]), encoded(fields), whole, pieces, close, True)


def plain_parts(plain: PlainResponse, request: Request | None) -> Parts:
    """Take apart what most views return."""
    body = plain.body.encode() if isinstance(plain.body, str) else plain.body
    fields = []
    if plain.content_type is not None:
        fields.append((b"content-type", plain.content_type))
    if plain.status not in {204, 304}:
        fields.append((b"content-length", b"%d" % len(body)))
    if plain.status in {204, 304} or (request is not None and request.method == "HEAD"):
        body = b""
    return Parts(plain.status, fields, body, None, nothing, False)


def whole_parts(whole: WholeResponse, request: Request | None) -> Parts:
    """Take apart what a mounted application said."""
    bodyless = whole.status in {204, 304}
    fields = [(name, value) for name, value in encoded(whole.fields) if not bodyless or name != b"content-length"]
    if not bodyless and all(name != b"content-length" for name, _ in fields):
        fields.append((b"content-length", b"%d" % len(whole.body)))
    body = b"" if bodyless or (request is not None and request.method == "HEAD") else whole.body
    return Parts(whole.status, fields, body, None, whole.close, whole.closer is not None)


def encoded(fields: Any) -> list[tuple[bytes, bytes]]:
    """Write fields as ASGI has them."""
    return [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in fields]


def nothing() -> None:
    """Close what has nothing to close."""

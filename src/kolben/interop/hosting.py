"""Somebody else's WSGI application behind our server (PEP 3333)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kolben.http import Handler, Plan, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from _typeshed.wsgi import WSGIApplication

__all__ = ["WSGIHandler", "WSGIPlan"]

WHOLE_LIMIT = 64 * 1024  # bytes of an announced length up to which the pieces of an answer are joined and sent at once


class WSGIHandler(Handler):
    """One plan for every request: a WSGI application finds its way itself."""

    def __init__(self, application: WSGIApplication) -> None:
        self.request_class = Request
        self._plan = WSGIPlan(application)

    def match(self, request: Request) -> Plan:
        """Return the plan."""
        return self._plan


class WSGIPlan(Plan):
    """Calls a WSGI application with the environ of a request."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self.name = getattr(application, "__name__", None) or type(application).__name__

    def run(self, request: Request) -> Response:
        """Call the application and take up what it answers."""
        start = StartResponse()
        iterable = self._application(request.environ, start)
        try:
            return start.response(iterable)
        except BaseException:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
            raise


class StartResponse:
    """The `start_response` of one request, and `write`, what it returns."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """Note status and headers.  A second call needs `exc_info`: nothing is sent yet, so it replaces the first."""
        if self.status is not None and exc_info is None:
            raise AssertionError("start_response: expected one call, or exc_info with a further one (PEP 3333)")
        self.status, self.headers = status, list(headers)
        return self.written.append

    def response(self, iterable: Iterable[bytes]) -> Response:
        """Make a response of what was noted and of the body."""
        pieces: Iterator[bytes] = iter(iterable)
        if self.status is None:  # a generator calls start_response when its first piece is asked for
            self.written.extend(piece for piece in [next(pieces, b"")] if piece)
        if self.status is None:
            raise AssertionError("start_response: expected a call before the first piece of the body (PEP 3333)")
        whole = isinstance(iterable, list | tuple) or self._is_short()
        body: Any = [b"".join(self._all(pieces))] if whole else self._all(pieces)
        response = Response(body, status=self.status, direct_passthrough=not isinstance(body, list))
        response.headers.clear()
        response.headers.extend(self.headers)
        close = getattr(iterable, "close", None)
        if close is not None:
            response.call_on_close(close)
        return response

    def _all(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Everything in its order: `write` may be called as long as the application iterates."""
        for piece in pieces:
            yield from self._take_written()
            yield piece
        yield from self._take_written()

    def _take_written(self) -> list[bytes]:
        taken = self.written.copy()
        self.written.clear()  # in place: the application holds its append()
        return taken

    def _is_short(self) -> bool:
        for name, value in self.headers:
            if name.lower() == "content-length":
                return value.isascii() and value.isdigit() and len(value) < len(str(WHOLE_LIMIT)) + 1 and int(value) <= WHOLE_LIMIT
        return False

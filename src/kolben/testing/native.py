"""A test client's requests as HTTP/1.1 bytes through our own server: a socket pair, no port.

The connection, its parser and its writer are the real ones, in a thread of their own for the length of one exchange.  Sync views run in
the thread of the test, which is the pool's only one: thread-locals and databases are those that the test sees.

What bytes cannot carry goes beside them, so that a suite written for a WSGI client can be run: an exception that the app lets through
is raised in the test, contexts are kept for the asserts that follow, and what a test adds to the environ is added there.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import sys
import threading
from contextvars import Context
from dataclasses import replace
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from kolben.base import Limits
from kolben.http import Handler, Plan
from kolben.interop._hosting import WSGIHandler
from kolben.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from kolben.http import Request

__all__ = ["NativeFace"]

OF_THE_CONNECTION = {"connection", "transfer-encoding"}  # fields that a WSGI client never sees
OF_EVERY_ENVIRON = {
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "PATH_INFO",
    "QUERY_STRING",
    "RAW_URI",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "SCRIPT_NAME",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
}
KEEP = "werkzeug.debug.preserve_context"  # who is told of a request's context at its end
PATH_SAFE = "/:@!$&'()*+,;=~"
QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F)))  # as it is, but for what no target may hold


class NativeFace:
    """An app as a WSGI callable whose every call is an exchange of bytes with our own server."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one environ."""
        observed = ObservedHandler(self._handler(), environ)
        received = exchange(observed, environ, getattr(self._application, "limits", None))
        if observed.error is not None:
            raise observed.error
        status, headers, body = read_response(received, environ["REQUEST_METHOD"])
        start_response(status, headers)
        return [body]

    def _handler(self) -> Handler:
        handler = getattr(self._application, "handler", None)
        return handler if isinstance(handler, Handler) else WSGIHandler(self._application)


class ObservedHandler(Handler):
    """Passes a request on, and notes what the bytes of the answer do not tell."""

    def __init__(self, handler: Handler, environ: WSGIEnvironment) -> None:
        self._handler = handler
        self._extra = {key: value for key, value in environ.items() if is_extra(key, value)}
        self._script_name = environ.get("SCRIPT_NAME", "")
        self.request_class = handler.request_class
        self.error: BaseException | None = None

    def match(self, request: Request) -> Plan:
        """Find the app's plan."""
        plan = self._handler.match(request)
        if self.request_class is not self._handler.request_class:  # it was replaced since; the server asks before each request
            self.request_class = self._handler.request_class
        return ObservedPlan(plan, self)

    def prepare(self, request: Request) -> None:
        """Give the request what a test put into its environ, and HTTP has no word for."""
        if self._script_name:
            self._extra["SCRIPT_NAME"] = request.root_path = self._script_name
        if self._extra:
            request.environ.update(self._extra)

    def note(self, error: BaseException) -> None:
        """Take up what a plan raised: the server will answer with 500, the test sees the error."""
        self.error = error


class ObservedPlan(Plan):
    """One plan under observation."""

    def __init__(self, plan: Plan, observer: ObservedHandler) -> None:
        self._plan = plan
        self._observer = observer
        self.mode, self.needs_body, self.name = plan.mode, plan.needs_body, plan.name

    def run(self, request: Request) -> Any:
        """Run it."""
        try:
            self._observer.prepare(request)
            return self._plan.run(request)
        except BaseException as error:
            self._observer.note(error)
            raise

    async def run_async(self, request: Request) -> Any:
        """Run it."""
        try:
            self._observer.prepare(request)
            return await self._plan.run_async(request)
        except BaseException as error:
            self._observer.note(error)
            raise


def is_extra(key: str, value: object) -> bool:
    """Tell whether an environ's entry says something that no HTTP message and no connection does."""
    if key == "wsgi.errors":
        return value is not sys.stderr
    return key == KEEP or (key not in OF_EVERY_ENVIRON and not key.startswith(("HTTP_", "wsgi.", "werkzeug.")))


def exchange(handler: Handler, environ: WSGIEnvironment, limits: Limits | None) -> bytes:
    """Send a request on a connection of its own; return all that came back."""
    server = Context().run(Server, handler, [], limits=replace(limits or Limits(), threads=1))  # no server is inside a test's contexts
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    remote = environ.get("REMOTE_ADDR")
    server.adopt(
        theirs,
        scheme=environ["wsgi.url_scheme"],
        server=(environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        remote=(remote, int(environ.get("REMOTE_PORT", 0))) if remote else None,
    )
    talk = server.loop.create_task(converse(server, ours, request_bytes(environ)))
    server.executor.enlist()
    thread = threading.Thread(target=server.run, name="kolben-test-server")
    thread.start()
    server.executor.work()  # until the server has stopped
    thread.join()
    return talk.result()


async def converse(server: Server, connection: socket.socket, data: bytes) -> bytes:
    """Be the peer, in the server's loop, then stop the server."""
    loop = asyncio.get_running_loop()
    received = bytearray()
    with contextlib.suppress(ConnectionError), connection:
        with contextlib.suppress(ConnectionError):  # an early answer, such as 413
            await loop.sock_sendall(connection, data)
            connection.shutdown(socket.SHUT_WR)  # nothing more will be asked: the server closes when it has answered
        while piece := await loop.sock_recv(connection, 1 << 16):
            received += piece
    server.stop()
    return bytes(received)


def request_bytes(environ: WSGIEnvironment) -> bytes:
    """Write an environ as an HTTP/1.1 message."""
    path = environ.get("PATH_INFO", "")  # of a client's careless "users", too
    target = "/" + quote(path.removeprefix("/").encode("latin-1"), safe=PATH_SAFE)
    if environ.get("QUERY_STRING"):
        target += "?" + quote(environ["QUERY_STRING"].encode("latin-1"), safe=QUERY_SAFE)
    fields = {key.removeprefix("HTTP_").replace("_", "-").title(): str(value) for key, value in environ.items() if is_field(key)}
    if not fields.get("Host"):
        port = "" if environ["SERVER_PORT"] in {"80", "443"} else f":{environ['SERVER_PORT']}"
        fields["Host"] = environ["SERVER_NAME"] + port
    body = read_body(environ)
    if "Transfer-Encoding" in fields:
        fields.pop("Content-Length", None)  # not both: RFC 9112, section 6.2
    if body is not None and "Content-Length" not in fields:
        fields["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    lines = [f"{environ['REQUEST_METHOD']} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body or b"")


def is_field(key: str) -> bool:
    """Tell whether an environ's key stands for a header field."""
    return key.startswith("HTTP_") or key in {"CONTENT_TYPE", "CONTENT_LENGTH"}


def read_body(environ: WSGIEnvironment) -> bytes | None:
    """Read what the environ carries; None: nothing."""
    stream = environ["wsgi.input"]
    chunked = environ.get("HTTP_TRANSFER_ENCODING") == "chunked" or environ.get("wsgi.input_terminated")
    length = None if chunked else environ.get("CONTENT_LENGTH")
    if not length and not chunked:
        return None
    start = stream.tell() if stream.seekable() else None
    body = stream.read(int(length)) if length else stream.read()
    if start is not None:
        stream.seek(start)  # a redirect may have it sent again
    return cast("bytes", body)


class Received:
    """Bytes in the place of a socket, as http.client wants it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def read_response(data: bytes, method: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Read a response by the standard library's parser: status, fields, body."""
    response = HTTPResponse(cast("socket.socket", Received(data)), method=method)
    response.begin()
    fields = [(name, value) for name, value in response.headers.items() if name.lower() not in OF_THE_CONNECTION]
    return f"{response.status} {response.reason}", fields, response.read()

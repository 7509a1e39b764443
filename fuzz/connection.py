"""Connections: bytes in, bytes out, on a real socket.

Whatever a peer sends, in whatever pieces: the server goes on; it ends the connection soon after the peer has shut its side; everything it
says parses as HTTP (h11); answers come in the order of their requests; nothing a peer sends is answered as the server's fault; no
connection and no block is left behind.
"""

import asyncio
import random
import socket
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import h11
from _mutate import run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.server.conftest import INLINE, SOON, THREAD, Running, View

from kolben.base.limits import Timeouts
from kolben.http import Handler, Request, Response

HEAD = b" HTTP/1.1\r\nHost: a\r\n"
SEEDS = [
    *(b"GET %b" % path + HEAD + b"\r\n" for path in (b"/inline", b"/thread", b"/task", b"/later", b"/stream", b"/async-stream", b"/none")),
    b"GET /inline" + HEAD + b"\r\nGET /thread" + HEAD + b"\r\nGET /later" + HEAD + b"\r\nGET /inline" + HEAD + b"\r\n",
    b"HEAD /stream" + HEAD + b"\r\nHEAD /inline" + HEAD + b"\r\nGET /async-stream" + HEAD + b"\r\n",
    b"POST /inline" + HEAD + b"Content-Length: 5\r\n\r\nhelloGET /inline" + HEAD + b"\r\n",
    b"POST /thread" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /task" + HEAD + b"\r\n",
    b"POST /none" + HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /inline" + HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST /task" + HEAD + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000 + b"GET /inline" + HEAD + b"\r\n",
]
PIECES = [
    *(b"/inline", b"/thread", b"/task", b"/later", b"/stream", b"/async-stream", b"/none", b"*", b"http://a/"),
    *(b"GET", b"HEAD", b"POST", b"OPTIONS", b"CONNECT", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Content-Length: 5\r\n", b"Content-Length: 99999999\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Range: bytes=1-\r\n", b"Upgrade: websocket\r\n"),
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"fffffffff\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b":"),
]


class Counting(Handler):
    """Answers tell what they answer: the how-manieth request of its connection, and its method."""

    def __init__(self) -> None:
        self.request_class = Request
        self.counts: dict[Any, int] = {}
        self.views = {
            "/inline": View(self.whole, mode=INLINE),
            "/thread": View(self.whole, mode=THREAD),
            # A peer that shuts its side some time after its request has left; on a loaded machine ours may be that slow.
            "/task": View(self.task, ignores_disconnect=True),
            "/later": View(self.later, ignores_disconnect=True),
            "/stream": View(self.lazy, mode=THREAD),
            "/async-stream": View(self.async_lazy, ignores_disconnect=True),
        }
        self.missing = View(self.none, mode=INLINE, needs_body=False)

    def match(self, request: Any) -> View:
        peer = request.environ["REMOTE_PORT"]
        request.order = self.counts[peer] = self.counts.get(peer, -1) + 1
        return self.views.get(request.path, self.missing)

    def answer(self, request: Any, body: Any, status: int = 200) -> Response:
        return Response(body, status, {"X-Order": str(request.order), "X-Method": "HEAD" if request.method == "HEAD" else "GET"})

    def whole(self, request: Any) -> Response:
        return self.answer(request, request.get_data())

    def none(self, request: Any) -> Response:
        return self.answer(request, "none", 404)

    async def task(self, request: Any) -> Response:
        return self.whole(request)

    async def later(self, request: Any) -> Response:
        await asyncio.sleep(0)
        return self.whole(request)

    def lazy(self, request: Any) -> Response:
        return self.answer(request, iter([b"abc", b"", b"def"]))

    async def async_lazy(self, request: Any) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"
            yield b"def"

        return self.answer(request, pieces())


def exchange(address: tuple[str, int], data: bytes) -> tuple[int, bytes]:
    """Send `data` in a few pieces, shut our side; everything that comes back, up to the end."""
    chance = random.Random(zlib.crc32(data))
    cuts = [0, *sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(3))), len(data)]
    with socket.create_connection(address, SOON) as peer:
        port = peer.getsockname()[1]
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in pairwise(cuts):
            peer.sendall(data[start:end])
        peer.shutdown(socket.SHUT_WR)
        said = b""
        while piece := peer.recv(65536):
            said += piece
    return port, said


def answers(said: bytes) -> Iterator[tuple[int, dict[bytes, bytes]]]:
    """Each answer's status and fields, parsed by h11."""
    while said:
        method = b"HEAD" if b"x-method: head" in said.partition(b"\r\n\r\n")[0].lower() else b"GET"
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(said)
        client.receive_data(b"")
        head = None
        while True:
            event = client.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise AssertionError(f"an answer ends early: {said!r}")  # noqa: TRY004 - a finding
        yield head.status_code, dict(head.headers)
        said = client.trailing_data[0]


def check(data: bytes) -> None:
    port, said = exchange(running.address, data)
    handler.counts.pop(str(port), None)
    order = 0
    is_refused = False
    # A HEAD request that is refused is answered without a body; who refuses does not say what.
    refused_head = said.endswith(b"\r\n\r\n") and b"HEAD" in data
    try:
        for status, fields in answers(said):
            assert not is_refused, f"an answer after a refusal: {said!r}"
            assert status < 500 or status in {501, 505}, f"{status} for {said!r}"
            if b"x-order" in fields:
                assert int(fields[b"x-order"]) == order, f"out of order: {said!r}"
                order += 1
            else:
                is_refused = True
    except h11.RemoteProtocolError:
        if not refused_head:
            raise
    assert running.thread.is_alive()
    assert running.failure is None


if __name__ == "__main__":
    handler = Counting()
    # No deadline comes: on a loaded machine it is ours that we are late.
    patient = Timeouts(first_byte=600, head=600, body=600, body_grace=600, write=600, keep_alive=600, lingering=600, queue=600)
    running = Running(handler, clock=None, limits=None, timeouts=patient)
    try:
        run(check, SEEDS, PIECES)
    finally:
        running.stop()
        assert running.engine.active == 0
        assert running.engine.blocks.lent == 0
        assert threading.active_count() < 60

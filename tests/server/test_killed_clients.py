"""Many clients at once, half of them killed in the middle of a stream, an upload or a view: nothing is left, and nobody else notices.

The fixture `serve` counts at the end: tasks, threads, descriptors (temporary files are among them), requests, connections, memory.
"""

import asyncio
import logging
import threading
import time

import pytest

from kolben.http import Response

from .conftest import SOON, TASK, THREAD, View

PIECE = b"x" * 10_000
BODY = 200_000  # bytes: more than is held in memory


class Site:
    """Views that stop in their middle until `let_go`."""

    def __init__(self):
        self.go, self.go_async = threading.Event(), asyncio.Event()

    def views(self):
        return {
            "/stream": View(self.stream, mode=THREAD),
            "/astream": View(self.stream_async, mode=TASK),
            "/upload": View(self.upload, mode=THREAD, streams_body=True),
            "/aupload": View(self.upload_async, mode=TASK, streams_body=True),
            "/spooled": View(self.spooled, mode=THREAD),
            "/view": View(self.view, mode=THREAD),
            "/aview": View(self.view_async, mode=TASK),
        }

    def let_go(self, running):
        self.go.set()
        running.loop.call_soon_threadsafe(self.go_async.set)

    def stream(self, _):
        def pieces():
            yield PIECE
            assert self.go.wait(SOON)
            yield PIECE

        return Response(pieces())

    async def stream_async(self, _):
        async def pieces():
            yield PIECE
            await self.go_async.wait()
            yield PIECE

        return Response(pieces())

    def upload(self, request):
        total = 0
        while piece := request.stream.read(10_000):
            total += len(piece)
        return str(total)

    async def upload_async(self, request):
        return str(sum([len(piece) async for piece in request.stream]))

    def spooled(self, request):
        return str(len(request.get_data()))

    def view(self, _):
        assert self.go.wait(SOON)
        return "seen"

    async def view_async(self, _):
        await self.go_async.wait()
        return "seen"


def begin(peer, path):
    """Bring a request to its middle."""
    if "upload" in path or "spooled" in path:
        peer.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n".encode() + b"x" * (BODY // 2))
    else:
        peer.get(path)
    if "stream" in path:
        peer.until(PIECE)


def finish(peer, path):
    """Bring it to its end; the answer has to be whole."""
    if "upload" in path or "spooled" in path:
        peer.send(b"x" * (BODY // 2))
        assert peer.answer().body == str(BODY).encode()
    elif "stream" in path:
        assert peer.until(b"\r\n0\r\n\r\n").endswith(PIECE)
    else:
        assert peer.answer().body == b"seen"


def tasks_of(running):
    """What runs on the server's loop, once it has had time to end."""
    deadline = time.monotonic() + SOON
    while (left := running.call(lambda: asyncio.all_tasks(running.loop))) and time.monotonic() < deadline:
        running.settle()
    return left


@pytest.mark.parametrize("count", [42, pytest.param(200, marks=pytest.mark.slow)])
def test_clients_that_are_killed_leave_nothing_and_the_others_are_answered(serve, caplog, count):
    site = Site()
    paths = list(site.views())
    running = serve(site.views(), limits={"threads": count, "stream_threads": count})
    peers = [(paths[i % len(paths)], running.connect()) for i in range(count)]
    for path, peer in peers:
        begin(peer, path)
    running.settle()
    killed = [peer for i, (_, peer) in enumerate(peers) if i // len(paths) % 2]
    for i, peer in enumerate(killed):
        (peer.reset if i % 2 else peer.close)()
    running.settle()
    site.let_go(running)
    for path, peer in peers:
        if peer not in killed:
            finish(peer, path)
    assert tasks_of(running) == set()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert (running.engine.stuck, running.engine.spool_quota.used) == (0, 0)

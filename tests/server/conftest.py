"""A server with handlers made of functions, peers that speak bytes to it, and the proof that nothing is left behind."""

import contextlib
import functools
import gc
import inspect
import os
import re
import select
import socket
import threading
import time
from collections import Counter

import pytest

from kolben.base import Limits, Timeouts
from kolben.base._alive import alive
from kolben.http import Handler, Plan, Request, Response
from kolben.net import listen_all, parse_address
from kolben.server import Server
from kolben.server.serving import new_event_loop

INLINE, THREAD, TASK = range(3)
SOON = 20  # seconds that anything may take which should happen at once; a test that waits so long fails


class View(Plan):
    """A plan made of a function: (request) -> Response, str or bytes."""

    def __init__(self, function, *, mode=None, needs_body=True, pinned=True, streams_body=False, ignores_disconnect=False, timeout=-1):
        self.function = function
        self.mode = mode if mode is not None else TASK if inspect.iscoroutinefunction(function) else INLINE
        self.pinned = pinned
        self.needs_body = needs_body
        self.streams_body = streams_body
        self.ignores_disconnect = ignores_disconnect
        self.timeout = timeout
        self.name = function.__name__

    def run(self, request):
        return as_response(self.function(request))

    async def run_async(self, request):
        return as_response(await self.function(request))


def as_response(result):
    return Response(result) if isinstance(result, str | bytes) else result


class Views(Handler):
    """Paths to views; 404 elsewhere, whatever body comes."""

    def __init__(self, views):
        self.request_class = Request
        self.views = views
        self.missing = View(lambda _: Response("missing", 404), needs_body=False)

    def match(self, request):
        return self.views.get(request.path, self.missing)


class Clock:
    """Milliseconds that pass when they are told to."""

    def __init__(self):
        self.now = 1_000_000

    def __call__(self):
        return self.now


class Answer:
    """One response as it stood on the wire."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ", 2)[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.body = body

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:60]!r}>"


class Peer:
    """The other end of a connection: bytes out, answers in."""

    def __init__(self, address, *, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(SOON)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def get(self, path, *fields, method="GET"):
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *fields, "", ""]))

    def post(self, path, body, *fields):
        self.send("\r\n".join([f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body)

    def widen(self):
        """Take much at once from now on."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def shut(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()

    def has_bytes(self, seconds):
        """Whether something comes within so many seconds, or the end."""
        return bool(self.buffer or select.select([self.socket], [], [], seconds)[0])

    def until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(1 << 20)
            assert data, f"the connection ended; before it came {self.buffer[:200]!r}"
            self.buffer += data
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def exactly(self, n):
        pieces, have = [self.buffer], len(self.buffer)
        while have < n:
            data = self.socket.recv(1 << 20)
            assert data, f"the connection ended {n - have} bytes early"
            pieces.append(data)
            have += len(data)
        whole = b"".join(pieces)
        self.buffer = whole[n:]
        return whole[:n]

    def rest(self):
        """Everything up to the end, which has to be an orderly one."""
        pieces = [self.buffer]
        while data := self.socket.recv(1 << 20):
            pieces.append(data)
        self.buffer = b""
        return b"".join(pieces)

    def chunks(self):
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return body

    def answer(self, *, head_only=False):
        head = self.until(b"\r\n\r\n")
        answer = Answer(head, b"")
        if head_only or answer.status in {100, 204, 304}:
            pass
        elif "chunked" in answer.headers.get("transfer-encoding", ""):
            answer.body = self.chunks()
        elif "content-length" in answer.headers:
            answer.body = self.exactly(int(answer.headers["content-length"]))
        else:
            answer.body = self.rest()
        return answer

    def is_ended(self):
        """Whether the server ends it, in whatever way, without a further byte."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return True

    def is_reset(self):
        try:
            self.rest()
        except ConnectionResetError:
            return True
        return False


class Running:
    """A server that runs in a thread of its own."""

    def __init__(self, views, *, clock, limits, timeouts, listeners=None):
        self.clock = clock
        handler = views if isinstance(views, Handler) else Views(views)
        if listeners is None:
            listeners = listen_all(parse_address("127.0.0.1:0"), backlog=128)
        address = listeners[0].address
        self.address = (address.host, address.port)
        self.server = Server(handler, listeners, limits=limits, timeouts=timeouts, clock=clock)
        self.engine, self.loop = self.server.engine, self.server.loop
        self.peers = []
        self.failure = None
        self.thread = threading.Thread(target=self.run, name="serves")
        self.thread.start()

    def run(self):
        try:
            self.server.run()
        except BaseException as error:
            self.failure = error

    def connect(self, **options):
        peer = Peer(self.address, **options)
        self.peers.append(peer)
        return peer

    def get(self, path, *fields):
        """One request on a connection of its own."""
        with contextlib.closing(self.connect()) as peer:
            peer.get(path, "Connection: close", *fields)
            return peer.answer()

    def call(self, function):
        """Call in the server's thread, in a turn; its result."""
        done, result = threading.Event(), []

        def run(_):
            try:
                result.append(function())
            finally:
                done.set()

        self.server.reactor.post(run, None)
        assert done.wait(SOON), "the server does not turn"
        return result[0]

    def settle(self):
        """Return when what the peers have sent up to now is worked on."""
        for _ in range(3):
            self.call(lambda: None)

    def later(self, seconds):
        """Let so much time pass."""
        self.settle()
        self.clock.now += round(seconds * 1000)
        self.settle()

    def stop(self):
        self.server.stop()
        self.thread.join(SOON)
        assert not self.thread.is_alive(), "the server did not stop"

    def close(self):
        for peer in self.peers:
            peer.close()
        if self.thread.is_alive():
            self.stop()
        assert self.failure is None, self.failure


def pool_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("kolben-")]


def descriptors():
    """How often something is open; empty where the system does not tell."""
    found = []
    for fd in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        with contextlib.suppress(OSError):  # the one that reads the folder
            found.append(re.sub(r"\d+", "", os.readlink(f"/proc/self/fd/{fd}")))
    return Counter(found)


def left_open(before):
    """What is open and was not before.  A thread that reads a source file for its traceback has it open for a moment only."""
    deadline = time.monotonic() + SOON
    while (left := descriptors() - before) and time.monotonic() < deadline:
        gc.collect()  # another test's
    return left


@functools.cache
def load_loop_library():
    """uvloop keeps a pipe for the process from its first loop on."""
    new_event_loop().close()


def left_alive(before, caplog):
    """What is alive of the kinds that are counted, and was not before.  The tracebacks of what was logged must not keep it."""
    deadline = time.monotonic() + SOON
    while (left := Counter(alive()) - Counter(before)) and time.monotonic() < deadline:
        caplog.get_records("call").clear()
        gc.collect()
    return left


@pytest.fixture
def serve(caplog):
    """serve({path: view}, limits={...}, timeouts={...}) runs a server; at the end nothing of it may be left."""
    load_loop_library()
    running = []
    before, alive_before = descriptors(), alive()

    def start(views, *, limits=(), timeouts=(), clock=None, **options):
        timeouts = {"graceful": 2, "lingering": 0.5} | dict(timeouts)
        made = Running(views, clock=clock, limits=Limits(**dict(limits)), timeouts=Timeouts(**timeouts), **options)
        running.append(made)
        return made

    yield start
    for each in running:
        each.close()
    for thread in pool_threads():
        thread.join(SOON)
    assert pool_threads() == [], "threads are left"
    for each in running:
        assert each.engine.active == 0, "connections are left"
        assert each.engine.blocks.lent == 0, "blocks are left"
        assert each.engine.spool_quota.used == 0, "room for spooled bodies is left"
    assert left_alive(alive_before, caplog) == Counter(), "objects are left"
    assert left_open(before) == Counter(), "descriptors are left"


@pytest.fixture
def clock():
    return Clock()

"""Bodies that are iterated over while they are sent: where, how far ahead, and what a broken one looks like."""

import asyncio
import threading

import pytest

from kolben.http import Response

from .conftest import INLINE, SOON, TASK, THREAD, View

WAYS = pytest.mark.parametrize("way", ["thread", "inline", "async", "async-later"])


class Lazy:
    """A view whose body is made of pieces, sync or async, and what happened to it."""

    def __init__(self, way, pieces, *, length=None, error=None):
        self.way, self.pieces, self.length, self.error = way, pieces, length, error
        self.pulled = 0
        self.threads = []
        self.closed = threading.Event()

    def sync(self):
        for piece in self.pieces:
            self.threads.append(threading.get_ident())
            self.pulled += 1
            yield piece
        if self.error:
            raise type(self.error)(*self.error.args)  # a new one: its traceback has the request

    async def asynchronous(self):
        for piece in self.sync():
            if self.way == "async-later":
                await asyncio.sleep(0)
            yield piece

    def response(self):
        response = Response(self.asynchronous() if self.way.startswith("async") else self.sync())
        response.call_on_close(self.closed.set)
        if self.length is not None:
            response.headers["Content-Length"] = str(self.length)
        return response

    def view(self):
        async def task(_):
            return self.response()

        def call(_):
            self.threads.append(threading.get_ident())
            return self.response()

        mode = {"thread": THREAD, "inline": INLINE}.get(self.way, TASK)
        return View(task if mode == TASK else call, mode=mode)


@WAYS
def test_pieces_are_sent_as_they_come_and_the_response_is_closed(serve, way):
    lazy = Lazy(way, ["a", b"bc", "", bytearray(b"d"), "ü" * 40_000])
    peer = serve({"/": lazy.view()}).connect()
    for _ in range(2):
        lazy.closed.clear()
        peer.get("/")
        answer = peer.answer()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.body == b"abcd" + "ü".encode() * 40_000
        assert lazy.closed.wait(SOON)


@WAYS
def test_a_body_of_announced_length_is_not_chunked(serve, way):
    lazy = Lazy(way, ["abc", "def"], length=6)
    peer = serve({"/": lazy.view()}).connect()
    for _ in range(2):
        peer.get("/")
        answer = peer.answer()
        assert (answer.body, "transfer-encoding" in answer.headers) == (b"abcdef", False)


@WAYS
def test_to_http_1_0_the_end_of_the_connection_is_the_end_of_the_body(serve, way):
    lazy = Lazy(way, ["abc", "def"])
    peer = serve({"/": lazy.view()}).connect()
    peer.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = peer.answer()
    assert answer.body == b"abcdef"
    assert "transfer-encoding" not in answer.headers


@WAYS
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_a_body_that_breaks_off_does_not_look_whole(serve, way, error, caplog):
    lazy = Lazy(way, ["abc"], error=error("broken"))
    running = serve({"/": lazy.view(), "/ok": View(lambda _: "ok")})
    peer = running.connect()
    peer.get("/")
    with pytest.raises((ConnectionResetError, AssertionError)):
        peer.answer()
    assert lazy.closed.wait(SOON)
    assert running.get("/ok").status == 200
    del caplog


@WAYS
def test_a_body_shorter_than_announced_does_not_look_whole(serve, way):
    lazy = Lazy(way, ["abc"], length=6)
    peer = serve({"/": lazy.view()}).connect()
    peer.get("/")
    with pytest.raises((ConnectionResetError, AssertionError)):
        peer.answer()
    assert lazy.closed.wait(SOON)


@WAYS
def test_a_body_longer_than_announced_is_cut_there_and_pulled_no_further(serve, way, caplog):
    """What is beyond would be read as the next answer."""

    def forever():
        while True:
            yield "abcd"

    lazy = Lazy(way, forever(), length=6)
    peer = serve({"/": lazy.view()}).connect()
    peer.get("/")
    assert peer.answer().body == b"abcdab"
    assert lazy.closed.wait(SOON)
    assert lazy.pulled == 2
    assert caplog.text.count("longer than its Content-Length") == 1


@WAYS
def test_a_body_is_pulled_no_further_than_the_peer_reads(serve, way):
    lazy = Lazy(way, [b"x" * 100_000] * 100)
    running = serve({"/": lazy.view()}, limits={"output": 50_000})
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    peer.exactly(100_000)
    running.settle()
    assert lazy.pulled < 60
    peer.widen()
    assert len(peer.buffer) < 10_000_000
    rest = peer.until(b"\r\n0\r\n\r\n")
    assert lazy.pulled == 100
    assert len(rest) > 9_000_000
    assert lazy.closed.wait(SOON)


@WAYS
def test_a_body_that_nobody_takes_any_more_is_closed(serve, way):
    lazy = Lazy(way, [b"x" * 100_000] * 1000)
    running = serve({"/": lazy.view()})
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    peer.exactly(50_000)
    peer.reset()
    assert lazy.closed.wait(SOON)
    assert lazy.pulled < 1000


@WAYS
def test_a_head_request_closes_the_body_without_a_piece(serve, way):
    lazy = Lazy(way, ["abc"])
    peer = serve({"/": lazy.view()}).connect()
    peer.get("/", method="HEAD")
    assert peer.answer(head_only=True).status == 200
    assert lazy.closed.wait(SOON)
    assert lazy.pulled == 0


def test_a_sync_body_is_iterated_over_in_the_thread_of_its_view(serve):
    """Cursors and thread-locals stay valid (D3)."""
    lazy = Lazy("thread", ["a", "b", "c"])
    serve({"/": lazy.view()}).get("/")
    assert len(set(lazy.threads)) == 1


def test_lazy_bodies_take_no_thread_of_the_pool(serve):
    """Ten slow downloads with a pool of one: a view still runs."""
    go = threading.Event()

    def pieces():
        yield "a"
        assert go.wait(SOON)
        yield "b"

    views = {"/lazy": View(lambda _: Response(pieces()), mode=THREAD), "/": View(lambda _: "hello", mode=THREAD)}
    running = serve(views, limits={"threads": 1})
    peers = [running.connect() for _ in range(10)]
    for peer in peers:
        peer.get("/lazy")
        peer.until(b"a\r\n")
    assert running.get("/").body == b"hello"
    go.set()
    for peer in peers:
        peer.until(b"b\r\n0\r\n\r\n")
    assert running.get("/").body == b"hello"


@pytest.mark.parametrize("way", ["thread", "inline"])
def test_more_lazy_bodies_than_threads_for_them_are_answered_with_503(serve, way):
    go = threading.Event()

    def wait():
        yield "a"
        assert go.wait(SOON)

    lazy = Lazy(way, wait())
    running = serve({"/": lazy.view(), "/second": Lazy(way, ["x"]).view()}, limits={"stream_threads": 1})
    first, second = running.connect(), running.connect()
    first.get("/")
    first.until(b"a\r\n")
    second.get("/second")
    answer = second.answer()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    go.set()
    assert first.until(b"0\r\n\r\n") == b""
    assert lazy.closed.wait(SOON)
    while second.get("/second") or (answer := second.answer()).status == 503:  # until the thread has ended
        pass
    assert answer.body == b"x"


def test_an_error_in_call_on_close_is_logged_and_the_connection_goes_on(serve, caplog):
    def view(_):
        response = Response("x")
        response.call_on_close(lambda: 1 / 0)
        response.call_on_close(lambda: (_ for _ in ()).throw(SystemExit("out")))
        return response

    peer = serve({"/": View(view)}).connect()
    for _ in range(2):
        peer.get("/")
        assert peer.answer().body == b"x"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("mode", [INLINE, THREAD])
def test_a_response_is_closed_after_its_last_byte_and_in_its_own_context(serve, mode):
    """Also when the byte goes out late, with another request behind it."""
    import contextvars

    name = contextvars.ContextVar("name")
    seen = []
    closed = threading.Event()

    def view(request):
        name.set(request.query_string)
        response = Response(b"x" * 6_000_000)
        response.call_on_close(lambda: seen.append(name.get()))
        if request.query_string == b"c":
            response.call_on_close(closed.set)
        return response

    running = serve({"/": View(view, mode=mode)})
    peer = running.connect(receive_buffer=4096)
    for letter in "abc":
        peer.get(f"/?{letter}")
    running.settle()
    assert seen == []
    peer.widen()
    for _ in "abc":
        assert len(peer.answer().body) == 6_000_000
    assert closed.wait(SOON)
    assert seen == [b"a", b"b", b"c"]

"""A peer that shuts its side, or goes away, at every moment (RFC 9112, section 9.6)."""

import threading

import pytest

from kolben.http import Response

from .conftest import SOON, THREAD, View

LARGE = b"x" * 6_000_000


def hello(_):
    return "hello"


VIEWS = {
    "/": View(hello),
    "/thread": View(hello, mode=THREAD),
    "/large": View(lambda _: LARGE),
    "/stream": View(lambda _: Response(iter([b"x" * 1_000_000] * 6)), mode=THREAD),
    "/echo": View(lambda request: request.get_data()),
}


@pytest.mark.parametrize("path", ["/", "/thread", "/large", "/stream"])
def test_who_shuts_its_side_after_a_request_gets_the_whole_answer(serve, path):
    peer = serve(VIEWS).connect()
    peer.get(path)
    peer.shut()
    assert len(peer.answer().body) in {5, len(LARGE)}
    assert peer.is_ended()


@pytest.mark.parametrize("field", ["Connection: close", "X: y"])
def test_a_slow_reader_that_shut_its_side_gets_the_whole_answer(serve, field):
    """The end of its sending comes while most of the answer waits."""
    running = serve(VIEWS)
    peer = running.connect(receive_buffer=4096)
    peer.get("/large", field)
    peer.shut()
    running.settle()
    peer.widen()
    assert peer.answer().body == LARGE
    assert peer.is_ended()


@pytest.mark.parametrize("unfinished", [b"GE", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123"])
@pytest.mark.parametrize("path", ["/", "/thread", "/large"])
def test_answers_to_what_came_whole_are_sent_when_the_last_request_did_not(serve, path, unfinished):
    running = serve(VIEWS)
    peer = running.connect(receive_buffer=4096)
    peer.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() + unfinished)
    peer.shut()
    running.settle()
    peer.widen()
    assert len(peer.answer().body) in {5, len(LARGE)}
    assert peer.is_ended()


def test_requests_that_wait_behind_a_thread_are_answered_after_the_peer_shut_its_side(serve):
    """They are in the kernel when the first answer goes out: that the peer will send no more says nothing about them."""
    go = threading.Event()

    def slow(_):
        assert go.wait(SOON)
        return "slow"

    running = serve({"/slow": View(slow, mode=THREAD), **VIEWS})
    peer = running.connect()
    peer.get("/slow")
    running.settle()
    peer.get("/")
    peer.get("/thread")
    peer.shut()
    running.settle()
    go.set()
    assert [peer.answer().body for _ in range(3)] == [b"slow", b"hello", b"hello"]
    assert peer.is_ended()


@pytest.mark.parametrize("path", ["/", "/thread", "/large", "/stream"])
def test_a_peer_that_is_gone_costs_nothing_and_hurts_nobody(serve, path):
    running = serve(VIEWS)
    for _ in range(5):
        peer = running.connect()
        peer.get(path)
        peer.reset()
    assert running.get("/").body == b"hello"


def test_an_answer_that_comes_after_the_peer_is_gone_is_closed(serve):
    begun, go, closed = threading.Event(), threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        assert go.wait(SOON)
        response = Response(b"x" * 100_000)
        response.call_on_close(closed.set)
        return response

    running = serve({"/": View(slow, mode=THREAD)})
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    peer.reset()
    go.set()
    assert closed.wait(SOON)


def test_an_answer_is_not_destroyed_by_what_the_peer_still_sends(serve):
    """Early answer: our side is shut, what comes is dropped for a while, then the end."""
    peer = serve({"/": View(hello, needs_body=False)}).connect()
    peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000)
    answer = peer.answer()
    assert answer.body == b"hello"
    assert answer.headers["connection"] == "close"
    assert peer.is_ended()


def test_lingering_has_an_end_in_bytes(serve):
    running = serve(VIEWS, limits={"lingering": 10_000})
    peer = running.connect()
    peer.send(b"\0\r\n\r\n")
    assert peer.answer().status == 400
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        peer.send(b"x" * 10_000_000)


def test_lingering_has_an_end_in_time(serve, clock):
    running = serve(VIEWS, timeouts={"lingering": 2}, clock=clock)
    peer = running.connect()
    peer.send(b"\0\r\n\r\n")
    assert peer.answer().status == 400
    running.settle()
    assert running.engine.active == 1
    running.later(3)
    assert running.engine.active == 0


def test_an_idle_half_closed_connection_is_closed_at_once(serve):
    running = serve(VIEWS)
    peer = running.connect()
    peer.get("/")
    peer.answer()
    peer.shut()
    assert peer.is_ended()
    running.settle()
    assert running.engine.active == 0


def test_a_peer_that_is_gone_ends_a_lazy_body_that_waits(serve):
    """Server-sent events with nothing to send: only the poller knows."""
    ended = threading.Event()

    async def forever():
        import asyncio

        try:
            yield "first"
            await asyncio.sleep(1000)
        finally:
            ended.set()

    async def view(_):
        return Response(forever())

    running = serve({"/": View(view)})
    peer = running.connect()
    peer.get("/")
    peer.until(b"first\r\n")
    peer.reset()
    assert ended.wait(SOON)

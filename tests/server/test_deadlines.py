"""Every deadline of Timeouts: it passes by a clock that the test moves, and never while a view runs."""

import threading

import pytest

from kolben.http import Response

from .conftest import SOON, THREAD, View

TIMES = {"first_byte": 10, "head": 8, "body": 20, "body_grace": 30, "body_rate": 1, "write": 40, "keep_alive": 15, "lingering": 2}
LARGE = b"x" * 6_000_000
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
VIEWS = {
    "/": View(lambda _: "hello"),
    "/large": View(lambda _: LARGE),
    "/huge": View(lambda _: LARGE * 8),
    "/echo": View(lambda request: request.get_data()),
}


@pytest.fixture
def running(serve, clock):
    return serve(VIEWS, timeouts=TIMES, clock=clock)


def test_the_first_byte_must_come_in_time(running):
    peer = running.connect()
    running.later(9.9)
    assert running.engine.active == 1
    running.later(0.2)
    assert peer.is_ended()


def test_a_head_must_come_in_time_however_it_drips(running):
    peer = running.connect()
    for byte in b"GET / H":
        running.later(1)
        peer.send(bytes([byte]))
    running.later(2.2)
    assert peer.answer().status == 408
    assert peer.is_ended()


def test_the_next_request_must_come_in_time(running):
    peer = running.connect()
    for _ in range(2):
        running.later(9)
        peer.get("/")
        assert peer.answer().status == 200
    running.later(14.9)
    assert running.engine.active == 1
    running.later(0.2)
    assert peer.is_ended()


def test_a_body_must_not_pause_for_long(running):
    peer = running.connect()
    peer.send(POST)
    for _ in range(2):
        running.later(19)
        peer.send(b"x" * 20)
    running.later(20.1)
    assert peer.answer().status == 408
    assert peer.is_ended()


def test_a_body_must_not_drip(running):
    """After the grace it must have come at body_rate."""
    peer = running.connect()
    peer.send(POST)
    running.later(19)
    peer.send(b"x")
    running.later(12)
    peer.send(b"x")
    assert peer.answer().status == 408


def test_a_chunked_body_must_not_drip(running):
    peer = running.connect()
    peer.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    running.later(19)
    peer.send(b"1\r\nx\r\n")
    running.later(12)
    peer.send(b"1\r\nx\r\n")
    assert peer.answer().status == 408


def test_an_answer_must_be_taken_in_time(running):
    peer = running.connect(receive_buffer=4096)
    peer.get("/large")
    running.later(39.9)
    assert running.engine.active == 1
    running.later(0.2)
    assert running.engine.active == 0
    assert peer.is_reset()


def until_cut(running):
    """Let write deadlines pass, nobody reading.  The kernel may still fill the peer's buffer at first, and that counts as progress."""
    for _ in range(3):
        running.later(40.1)
    assert running.engine.active == 0


def test_a_slow_reader_is_kept_while_it_makes_progress(running):
    peer = running.connect(receive_buffer=4096)
    peer.get("/huge")
    for _ in range(4):
        running.later(30)
        peer.widen()
        peer.exactly(9_000_000)  # more than the kernel may hold: the server must have sent
    assert running.engine.active == 1
    until_cut(running)


def test_a_peer_that_reads_less_than_a_buffer_within_the_deadline_is_kept(running):
    """28 kB a second are less than a third of the kernel's buffer in 30 s, so no event tells of them."""
    peer = running.connect(receive_buffer=4096)
    peer.get("/huge")
    for _ in range(4):
        running.later(39)
        peer.exactly(40_000)
        running.settle()
    running.later(39)
    assert running.engine.active == 1
    until_cut(running)


def test_a_peer_that_reads_less_than_the_rate_is_cut(serve, clock):
    """A reader of some bytes a second (slowhttptest -X) would else hold its answer for days."""
    running = serve(VIEWS, timeouts=TIMES | {"body_rate": 10_000}, clock=clock)
    peer = running.connect(receive_buffer=4096)
    peer.get("/huge")
    for _ in range(5):
        running.later(40.1)
        if running.engine.active:
            peer.exactly(40_000)
    assert running.engine.active == 0


def test_a_body_keeps_its_deadline_when_an_answer_before_it_is_drained(running):
    """The answer's deadline ends with the answer, the body's begins."""
    peer = running.connect(receive_buffer=4096)
    peer.get("/large")
    peer.send(POST)
    running.settle()
    peer.widen()
    assert peer.answer().body == LARGE
    running.later(20.1)
    assert peer.answer().status == 408


def test_a_head_keeps_its_deadline_when_an_answer_before_it_is_drained(running):
    peer = running.connect(receive_buffer=4096)
    peer.get("/large")
    peer.send(b"GET / HT")
    running.settle()
    peer.widen()
    assert peer.answer().body == LARGE
    running.later(8.1)
    assert peer.answer().status == 408


@pytest.mark.parametrize("lazy", [False, True])
def test_no_deadline_passes_while_a_view_runs(serve, clock, lazy):
    go = threading.Event()

    def pieces():
        yield "a"
        assert go.wait(SOON)
        yield "b"

    def view(_):
        if lazy:
            return Response(pieces())
        assert go.wait(SOON)
        return "ab"

    running = serve({"/": View(view, mode=THREAD)}, timeouts=TIMES | {"queue": 0}, clock=clock)
    peer = running.connect()
    peer.get("/")
    for _ in range(5):
        running.later(1000)
    go.set()
    assert peer.answer().body == b"ab"
    running.later(14)
    peer.get("/")
    assert peer.answer().body == b"ab"


def test_a_deadline_is_counted_from_the_end_of_a_slow_inline_view(serve, clock):
    """Not from the beginning of the turn, or the peer would find its connection closed with the answer."""

    def slow(_):
        clock.now += 60_000
        return "slow"

    running = serve({"/": View(slow)}, timeouts=TIMES, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert peer.answer().body == b"slow"
    running.later(1)
    peer.get("/")
    assert peer.answer().body == b"slow"


@pytest.mark.parametrize("off", ["first_byte", "head", "keep_alive", "body"])
def test_zero_switches_a_deadline_off_and_no_other_one_takes_its_place(serve, clock, off):
    running = serve(VIEWS, timeouts=TIMES | {off: 0, "body_grace": 0}, clock=clock)
    peer = running.connect()
    if off == "keep_alive":
        peer.get("/")
        peer.answer()
    elif off == "head":
        peer.send("GE")
    elif off == "body":
        peer.send(POST)
    running.later(10_000)
    assert running.engine.active == 1


def test_a_write_deadline_of_zero_never_passes(serve, clock):
    running = serve(VIEWS, timeouts=TIMES | {"write": 0}, clock=clock)
    peer = running.connect(receive_buffer=4096)
    peer.get("/large")
    running.later(10_000)
    peer.widen()
    assert peer.answer().body == LARGE


def test_many_deadlines_pass_in_one_moment(serve, clock):
    """More than a turn's time: the rest passes in the next ones."""
    running = serve(VIEWS, timeouts=TIMES, clock=clock)
    peers = []
    for _ in range(200):
        peers.append(running.connect())
        running.call(lambda: None)
    running.settle()
    assert running.engine.active == 200
    running.later(11)
    assert all(peer.is_ended() for peer in peers)


def test_a_clock_that_jumps_ahead_ends_what_is_due_and_nothing_freezes(running):
    peer = running.connect()
    peer.get("/")
    peer.answer()
    running.later(3600)
    assert peer.is_ended()
    assert running.get("/").status == 200
    running.clock.now -= 7_200_000
    assert running.get("/").status == 200

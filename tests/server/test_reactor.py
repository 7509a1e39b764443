"""Turns: what happens to the rest of a batch, to errors, and to the loop around."""

import asyncio
import gc
import threading
import time
from pathlib import Path

import pytest

from kolben.server import serving
from kolben.server._reactor import Reactor

from .conftest import SOON, THREAD, View

VOLLEYS = 5


def hello(_):
    return "hello"


def test_events_that_are_left_for_the_next_turn_never_meet_what_is_gone(serve):
    """A view that takes longer than a turn, and has cut all other connections of its batch."""
    count = []

    def cut_the_others(_):
        count.append(1)
        if len(count) == 1:
            for connection in running.server.reactor.watched():
                if hasattr(connection, "cut"):
                    connection.cut()
            del connection
            time.sleep(0.003)  # longer than TURN_BUDGET
        return "hello"

    running = serve({"/": View(cut_the_others), "/ok": View(hello)})
    peers = [running.connect() for _ in range(60)]
    running.settle()

    def send_all():
        for peer in peers:
            peer.get("/")

    running.call(send_all)
    ended = 0
    for peer in peers:
        try:
            assert peer.answer().body == b"hello"
        except (ConnectionResetError, AssertionError):
            ended += 1
    assert ended
    assert running.get("/ok").body == b"hello"


@pytest.fixture
def uncollected():
    gc.disable()
    yield
    gc.enable()


def test_a_loop_around_is_not_starved(serve, uncollected):
    """Another task of the same loop has its turn soon, while 16 connections have work for 50 ms each time.

    Measured in CPU time of the server's thread, and without the garbage collector, so that nothing but the server counts.
    """
    running = serve({"/": View(hello)}, limits={"requests_per_connection": 0})
    done, ended = threading.Event(), threading.Event()
    spent = []

    async def ticker():
        while not done.is_set():
            before = time.thread_time()
            await asyncio.sleep(0)
            spent.append(time.thread_time() - before)
        ended.set()

    peers = [running.connect() for _ in range(16)]
    tasks = []
    running.call(lambda: tasks.append(running.loop.create_task(ticker())))
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 300
    for _ in range(VOLLEYS):
        for peer in peers:
            peer.send(request)
        for peer in peers:
            for _ in range(300):
                peer.answer()
    done.set()
    assert ended.wait(SOON)
    assert sum(spent) > 0.05
    spent.sort()
    volley = sum(spent) / VOLLEYS  # what all of the work in one turn takes: more than 100 ms only where a build is slow, as a sanitizer's
    assert spent[len(spent) * 98 // 100] < max(0.01, volley / 10)
    assert spent[-1] < max(0.03, volley * 0.3)


def test_an_error_in_a_posted_call_is_logged_and_the_turn_goes_on(serve, caplog):
    running = serve({"/": View(hello)})

    def broken(_):
        raise SystemExit("posted")

    running.server.reactor.post(broken, None)
    assert running.get("/").body == b"hello"
    assert "posted" in caplog.text


def test_posts_from_many_threads_are_all_called(serve):
    running = serve({"/": View(hello)})
    called = []

    def post_many():
        for number in range(1000):
            assert running.server.reactor.post(called.append, number)

    threads = [threading.Thread(target=post_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    while running.call(lambda: len(called)) < 4000:
        pass
    assert sorted(called) == sorted(list(range(1000)) * 4)


def test_after_its_end_a_reactor_says_that_a_call_may_never_come():
    loop = asyncio.new_event_loop()
    reactor = Reactor(loop)
    called = []
    assert reactor.post(called.append, 1)
    reactor.close()
    assert called == [1]
    assert not reactor.post(called.append, 2)
    reactor.turn()
    loop.close()


def test_a_turn_cannot_begin_inside_another():
    loop = asyncio.new_event_loop()
    reactor = Reactor(loop)
    errors = []

    def nested(_):
        with pytest.raises(RuntimeError, match="inside another") as caught:
            reactor.turn()
        errors.append(caught.value)

    reactor.post(nested, None)
    reactor.turn()
    assert len(errors) == 1
    reactor.close()
    loop.close()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, serving.new_event_loop])
def test_every_kind_of_plan_runs_in_either_loop(serve, monkeypatch, make_loop):
    monkeypatch.setattr(serving, "new_event_loop", make_loop)

    async def at_once(_):
        return asyncio.current_task().get_name()

    async def later(_):
        await asyncio.sleep(0)
        return asyncio.current_task().get_name()

    running = serve({"/": View(hello), "/thread": View(hello, mode=THREAD), "/at-once": View(at_once), "/later": View(later)})
    peer = running.connect()
    for path in ["/", "/thread", "/at-once", "/later"] * 2:
        peer.get(path)
        assert peer.answer().status == 200


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="reads /proc")
def test_connections_that_wait_wake_nobody(serve):
    """Idle, half-sent, half-closed behind a running view, not read: none costs CPU or wakes the server."""
    go = threading.Event()

    def slow(_):
        assert go.wait(SOON)
        return ""

    running = serve({"/": View(hello), "/slow": View(slow, mode=THREAD), "/large": View(lambda _: b"x" * 6_000_000)})
    peers = [running.connect(receive_buffer=4096) for _ in range(5)]
    peers[0].get("/")
    peers[0].answer()
    peers[1].send(b"GET / HT")
    peers[2].get("/slow")
    running.settle()
    peers[2].shut()
    peers[3].get("/large")
    peers[4].send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123")
    running.settle()
    task = Path(f"/proc/self/task/{running.thread.native_id}/status")
    before = switches(task)
    time.sleep(0.5)  # the thing itself: nothing happens
    assert switches(task) - before <= 2
    go.set()


def switches(status):
    return sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)


class AskedLoop:
    """A loop that keeps what it is asked to call."""

    def __init__(self):
        self.asked = []

    def call_soon(self, function):
        self.asked.append(function)


def test_a_turn_that_was_asked_for_waits_once_however_many_the_poller_causes():
    loop = AskedLoop()
    reactor = Reactor(loop)
    turns, ended = [], []

    def again(_):
        turns.append(1)
        if not ended:
            reactor.post(again, None)  # there is always a rest

    reactor.post(again, None)
    for _ in range(5):
        reactor.turn()
    assert (len(turns), len(loop.asked)) == (5, 1)
    loop.asked.pop()()
    assert (len(turns), len(loop.asked)) == (6, 1)
    ended.append(1)
    reactor.close()


def test_the_clock_is_the_kernels_unless_told():
    loop = asyncio.new_event_loop()
    assert abs(Reactor(loop).now - time.monotonic() * 1000) < 1000
    assert Reactor(loop, clock=lambda: 7).now == 7
    loop.close()

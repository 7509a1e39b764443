"""The time that a plan may take: 504 for one that ran, 503 for one that never began, and the log says where it stood."""

import asyncio
import logging
import threading
import time

import pytest

from kolben.http import Response
from kolben.server.deadlines import frames_of_task, frames_of_thread, stack

from .conftest import SOON, TASK, THREAD, View

OVER = 6  # seconds: more than the limit of 5
INLINE = 0


class Stuck:
    """A view that waits in a thread until it is let go."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()
        self.closed = threading.Event()

    def __call__(self, request):
        self.begun.set()
        assert self.go.wait(SOON)
        response = Response(b"late")
        response.call_on_close(self.closed.set)
        return response

    __name__ = "stuck"


@pytest.fixture
def stuck():
    view = Stuck()
    yield view
    view.go.set()


async def wait_deep_inside():
    await asyncio.Event().wait()


def hello(_):
    return "hello"


def wait_for_the_stuck(running):
    deadline = time.monotonic() + SOON
    while running.engine.stuck and time.monotonic() < deadline:
        running.settle()


def test_a_task_is_cancelled_awaited_and_answered_with_504(serve, clock, caplog):
    begun, torn_down = threading.Event(), []

    async def view(_):
        begun.set()
        try:
            await wait_deep_inside()
        finally:
            await asyncio.sleep(0)
            torn_down.append(True)

    running = serve({"/": View(view, mode=TASK), "/next": View(hello)}, clock=clock, timeouts={"view": 5})
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    running.later(OVER)
    answer = peer.answer()
    assert (answer.status, torn_down) == (504, [True])
    assert "view has run for 6.0 s and is cancelled" in caplog.text
    assert "in wait_deep_inside" in caplog.text
    assert running.engine.expired == 1
    peer.get("/next")
    assert peer.answer().body == b"hello"


def test_a_response_in_spite_of_the_cancellation_is_dropped(serve, clock):
    closed, begun = threading.Event(), threading.Event()

    async def view(_):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            response = Response(b"late")
            response.call_on_close(closed.set)
            return response

    running = serve({"/": View(view, mode=TASK, timeout=5)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    running.later(OVER)
    assert peer.answer().status == 504
    assert closed.wait(SOON)


def test_a_task_that_does_not_end_is_answered_without_it(serve, clock, caplog):
    go, begun, refused = asyncio.Event(), threading.Event(), threading.Event()

    async def view(_):
        begun.set()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                refused.set()
        return "late"

    running = serve({"/": View(view, mode=TASK, timeout=5)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    running.later(OVER)
    assert refused.wait(SOON)
    running.later(OVER)
    assert peer.answer().status == 504
    assert peer.is_ended()
    assert "does not end although it was cancelled" in caplog.text
    assert (running.engine.stuck, running.engine.late) == (1, 0)
    running.loop.call_soon_threadsafe(go.set)
    wait_for_the_stuck(running)
    assert (running.engine.stuck, running.engine.late) == (0, 1)


@pytest.mark.parametrize("leaves", [False, True])
def test_a_thread_is_reported_and_its_answer_dropped(serve, clock, caplog, stuck, leaves):
    """It cannot be stopped: its place in the pool stays taken until it ends."""
    running = serve({"/": View(stuck, mode=THREAD), "/next": View(hello)}, clock=clock, timeouts={"view": 5})
    peer = running.connect()
    peer.get("/")
    assert stuck.begun.wait(SOON)
    running.later(OVER)
    answer = peer.answer()
    assert (answer.status, answer.headers["connection"]) == (504, "close")
    assert "stuck has run for 6.0 s and cannot be stopped" in caplog.text
    assert "in __call__" in caplog.text
    assert (running.engine.stuck, running.engine.late) == (1, 0)
    if leaves:
        peer.close()
        running.settle()
    stuck.go.set()
    assert stuck.closed.wait(SOON)
    running.settle()
    assert (running.engine.stuck, running.engine.late) == (0, 1)
    assert leaves or peer.is_ended()
    assert running.get("/next").body == b"hello"


def test_a_spooled_body_is_kept_for_who_still_reads_it(serve, clock):
    begun, go, done, read = threading.Event(), threading.Event(), threading.Event(), []

    def view(request):
        begun.set()
        assert go.wait(SOON)
        read.append(len(request.get_data()))
        done.set()
        return "late"

    running = serve({"/": View(view, mode=THREAD, timeout=5)}, clock=clock)
    peer = running.connect()
    peer.post("/", b"x" * 200_000)
    assert begun.wait(SOON)
    running.later(OVER)
    assert peer.answer().status == 504
    assert peer.is_ended()
    go.set()
    assert done.wait(SOON)
    wait_for_the_stuck(running)
    assert read == [200_000]


def test_a_body_that_is_still_to_come_is_cut_for_who_waits_for_it(serve, clock):
    begun = threading.Event()

    def view(request):
        begun.set()
        return request.stream.read()

    running = serve({"/": View(view, mode=THREAD, timeout=5, streams_body=True)}, clock=clock)
    peer = running.connect()
    peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
    assert begun.wait(SOON)
    running.later(OVER)
    assert peer.answer().status == 504
    wait_for_the_stuck(running)
    assert running.engine.late == 1


def test_a_body_keeps_its_own_deadline_beside_that_of_the_view(serve, clock):
    begun = threading.Event()

    def view(request):
        begun.set()
        return request.stream.read()

    running = serve({"/": View(view, mode=THREAD, streams_body=True)}, clock=clock, timeouts={"view": 60, "body": 5})
    peer = running.connect()
    peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
    assert begun.wait(SOON)
    running.later(OVER)
    assert peer.answer().status == 500, "the view's: it does not catch the 408 that reading raises"
    assert running.engine.expired == 0


def test_what_never_began_is_answered_with_503_and_never_runs(serve, clock, caplog, stuck):
    ran = []

    def view(_):
        ran.append(True)
        return "never"

    views = {"/stuck": View(stuck, mode=THREAD), "/": View(view, mode=THREAD, timeout=5)}
    running = serve(views, clock=clock, limits={"threads": 1})
    running.connect().get("/stuck")
    assert stuck.begun.wait(SOON)
    peer = running.connect()
    peer.get("/")
    running.later(OVER)
    assert peer.answer().status == 503
    assert peer.is_ended()
    assert "after 6.0 s it had not begun to run" in caplog.text
    for each in running.peers:
        each.close()
    stuck.go.set()
    running.stop()
    assert ran == []


def test_an_inline_call_that_is_rescued_has_its_deadline(serve, clock, caplog, stuck):
    running = serve({"/": View(stuck, mode=INLINE, timeout=5), "/next": View(hello)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert stuck.begun.wait(SOON)
    clock.now += 20
    assert running.get("/next").body == b"hello"
    clock.now += OVER * 1000
    assert running.get("/next").body == b"hello"
    assert peer.answer().status == 504
    assert "in __call__" in caplog.text
    stuck.go.set()
    assert stuck.closed.wait(SOON)
    assert running.get("/next").body == b"hello"


@pytest.mark.parametrize(("of_route", "of_server"), [(0, 5), (-1, 0), (60, 5)])
def test_the_routes_time_goes_before_the_servers_and_zero_is_none(serve, clock, stuck, of_route, of_server):
    running = serve({"/": View(stuck, mode=THREAD, timeout=of_route)}, clock=clock, timeouts={"view": of_server})
    peer = running.connect()
    peer.get("/")
    assert stuck.begun.wait(SOON)
    running.later(OVER)
    stuck.go.set()
    assert peer.answer().body == b"late"


def test_a_stream_has_no_deadline_of_its_view(serve, clock):
    go = threading.Event()

    def pieces():
        yield b"first"
        assert go.wait(SOON)
        yield b"last"

    running = serve({"/": View(lambda _: Response(pieces()), mode=THREAD, timeout=5)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    peer.until(b"first")
    running.later(OVER)
    go.set()
    assert peer.until(b"last")


def test_a_thread_that_is_gone_stands_nowhere():
    assert frames_of_thread(0) == []
    assert stack([]) == ""


def test_the_stack_of_a_task_is_what_it_awaits(caplog):
    async def main():
        caplog.set_level(logging.INFO)
        task = asyncio.ensure_future(wait_deep_inside())
        await asyncio.sleep(0)
        found = [frame.f_code.co_name for frame in frames_of_task(task)]
        task.cancel()
        return found

    assert asyncio.run(main()) == ["wait_deep_inside", "wait"]

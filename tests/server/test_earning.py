"""Where plain views run is measured, by a clock that only moves when a view takes its time."""

import logging
import threading

import pytest

from kolben.http._plan import NEEDED

from .conftest import INLINE, THREAD, View


class Work:
    """A view that takes as many milliseconds as the query says, and tells its thread."""

    __name__ = "work"

    def __init__(self, clock):
        self.clock = clock

    def __call__(self, request):
        self.clock.now += int(request.query_string or 0)
        return "inline" if threading.current_thread().name == "serves" else "thread"


@pytest.fixture
def view(clock):
    return View(Work(clock), mode=THREAD, pinned=False)


def ask(peer, count, query=""):
    """Where so many calls ran, one after the other."""
    places = []
    for _ in range(count):
        peer.get("/?" + query)
        places.append(peer.answer().body.decode())
    return places


def test_the_call_after_fifty_short_ones_runs_inline(serve, clock, view, caplog):
    caplog.set_level(logging.INFO, "kolben.server")
    peer = serve({"/": view}, clock=clock).connect()
    assert ask(peer, NEEDED + 2) == ["thread"] * NEEDED + ["inline"] * 2
    assert "work runs inline from now on" in caplog.text


def test_a_call_of_a_millisecond_begins_the_row_anew(serve, clock, view):
    peer = serve({"/": view}, clock=clock).connect()
    ask(peer, NEEDED - 1)
    ask(peer, 1, "1")
    assert ask(peer, NEEDED + 1) == ["thread"] * NEEDED + ["inline"]


def test_an_inline_call_over_five_milliseconds_goes_back_to_the_pool(serve, clock, view, caplog):
    caplog.set_level(logging.INFO, "kolben.server")
    peer = serve({"/": view}, clock=clock).connect()
    ask(peer, NEEDED)
    assert ask(peer, 1, "6") == ["inline"]
    assert ask(peer, 2 * NEEDED + 1) == ["thread"] * 2 * NEEDED + ["inline"]
    assert "work runs in a thread from now on: a call took 6.0 ms" in caplog.text


@pytest.mark.parametrize(("mode", "place"), [(INLINE, "inline"), (THREAD, "thread")])
def test_a_pin_wins(serve, clock, mode, place):
    view = View(Work(clock), mode=mode, pinned=True)
    peer = serve({"/": view}, clock=clock).connect()
    assert set(ask(peer, NEEDED + 1) + ask(peer, 3, "7") + ask(peer, 3)) == {place}


def test_pipelined_calls_are_measured_one_by_one(serve, clock, view):
    """One slow call does not count for those that came with it."""
    peer = serve({"/": view}, clock=clock).connect()
    ask(peer, NEEDED)
    peer.send("GET /?4 HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    assert [peer.answer().body for _ in range(3)] == [b"inline"] * 3
    assert view.record.lost == 0


def test_an_async_view_is_counted_and_stays_a_task(serve, clock):
    async def view(_):
        return "hello"

    plan = View(view)
    peer = serve({"/": plan}, clock=clock).connect()
    for _ in range(NEEDED + 1):
        peer.get("/")
        peer.answer()
    assert plan.record.calls == NEEDED + 1
    assert plan.record.earned == 0

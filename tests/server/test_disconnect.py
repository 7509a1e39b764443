"""Clients that leave while their request runs: a task is cancelled, a thread can ask, and who only half-closes is answered."""

import asyncio
import logging
import threading

import pytest

from kolben.http import Response

from .conftest import SOON, TASK, THREAD, View

LEFT = 1  # seconds after its request: by then a FIN is no part of it


class Waiting:
    """An async view that waits for ever, and what became of it."""

    def __init__(self, **options):
        self.options = options
        self.begun, self.ended, self.go = threading.Event(), threading.Event(), asyncio.Event()
        self.how = None
        self.request = None

    def view(self):
        return View(self.run, mode=TASK, **self.options)

    async def run(self, request):
        self.begun.set()
        try:
            await self.go.wait()
            self.how = "whole"
            self.gone = request.is_disconnected
        except BaseException as error:
            self.how = type(error)
            raise
        finally:
            self.ended.set()
        return "late"


@pytest.fixture
def begin(serve, clock):
    """begin(waiting) serves it and asks for it; returns the server and the peer."""

    def start(waiting, **options):
        running = serve({"/": waiting.view(), "/next": View(lambda _: "next")}, clock=clock, **options)
        peer = running.connect()
        peer.get("/")
        assert waiting.begun.wait(SOON)
        return running, peer

    return start


@pytest.mark.parametrize("leave", ["reset", "close"])
def test_a_task_is_cancelled_when_its_client_has_left(begin, leave, caplog):
    caplog.set_level(logging.DEBUG, "kolben.server")
    waiting = Waiting()
    running, peer = begin(waiting)
    running.later(LEFT)
    getattr(peer, leave)()
    assert waiting.ended.wait(SOON)
    assert waiting.how is asyncio.CancelledError
    assert running.get("/next").body == b"next"
    assert {record.levelname for record in caplog.records} <= {"DEBUG"}


def test_a_reset_cancels_at_once(begin):
    """It cannot be a half-close, however soon it comes."""
    waiting = Waiting()
    _, peer = begin(waiting)
    peer.reset()
    assert waiting.ended.wait(SOON)


def test_a_fin_that_comes_with_the_request_cancels_nothing(begin):
    waiting = Waiting()
    running, peer = begin(waiting)
    peer.shut()
    running.later(LEFT)
    running.loop.call_soon_threadsafe(waiting.go.set)
    assert peer.answer().body == b"late"
    assert waiting.gone is False
    assert peer.is_ended()


def test_a_fin_behind_further_requests_cancels_nothing(begin):
    """It came with the last of them."""
    waiting = Waiting()
    running, peer = begin(waiting)
    running.later(LEFT)
    peer.get("/next")
    peer.shut()
    running.settle()
    running.loop.call_soon_threadsafe(waiting.go.set)
    assert [peer.answer().body for _ in range(2)] == [b"late", b"next"]


def test_a_route_may_let_its_view_run_on(begin):
    waiting = Waiting(ignores_disconnect=True)
    running, peer = begin(waiting)
    running.later(LEFT)
    peer.reset()
    running.settle()
    running.loop.call_soon_threadsafe(waiting.go.set)
    assert waiting.ended.wait(SOON)
    assert (waiting.how, waiting.gone) == ("whole", True)


def test_a_thread_can_ask_whether_its_client_has_left(serve, clock):
    begun, go, seen = threading.Event(), threading.Event(), []

    def slow(request):
        seen.append(request.is_disconnected)
        begun.set()
        assert go.wait(SOON)
        seen.append(request.is_disconnected)
        done.set()
        return "late"

    done = threading.Event()
    running = serve({"/": View(slow, mode=THREAD)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    running.later(LEFT)
    peer.close()
    running.settle()
    go.set()
    assert done.wait(SOON)
    assert seen == [False, True]


def test_a_thread_still_answers_who_shut_its_side_late(serve, clock):
    """It may read on, and to send it the answer costs nothing."""
    begun, go = threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        assert go.wait(SOON)
        return "late"

    running = serve({"/": View(slow, mode=THREAD)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert begun.wait(SOON)
    running.later(LEFT)
    peer.shut()
    running.settle()
    go.set()
    assert peer.answer().body == b"late"


def test_an_async_stream_that_waits_is_ended_when_its_client_has_left(serve, clock):
    """Server-sent events: nothing is written for hours, and no error of a write would tell."""
    ended = threading.Event()

    async def events():
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def view(_):
        return Response(events())

    running = serve({"/": View(view, mode=TASK)}, clock=clock)
    peer = running.connect()
    peer.get("/")
    assert peer.until(b"first")
    running.later(LEFT)
    peer.close()
    assert ended.wait(SOON)


def test_a_client_that_leaves_within_the_body_cancels_the_task_that_reads_it(serve, clock):
    begun, ended = threading.Event(), []

    async def reads(request):
        begun.set()
        try:
            await request.stream.aread()
        except BaseException as error:
            ended.append(type(error))
            done.set()
            raise

    done = threading.Event()
    running = serve({"/": View(reads, mode=TASK, streams_body=True)}, clock=clock)
    peer = running.connect()
    peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")
    assert begun.wait(SOON)
    running.settle()
    peer.close()
    assert done.wait(SOON)
    assert ended == [asyncio.CancelledError]


def test_cancelled_views_are_awaited_when_the_server_stops(begin):
    waiting = Waiting()
    running, peer = begin(waiting)
    running.later(LEFT)
    peer.close()
    running.stop()
    assert waiting.ended.is_set()

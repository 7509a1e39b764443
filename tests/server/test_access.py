"""What the access log is told of an answer, and when."""

import threading
import time

import pytest

from kolben.http import Response

from .conftest import SOON, THREAD, View

LARGE = b"x" * 8_000_000  # more than the kernel takes at once


@pytest.fixture
def told(serve):
    """Serve, and remember what the log is told: (status, size, write, whole)."""

    def start(views, **options):
        running = serve(views, **options)
        running.said, running.has_said = [], threading.Semaphore(0)

        def log(remote, request, status, size, body, queue, run, write, whole):
            running.said.append((request.path if request else None, status, size, whole))
            running.times = body, queue, run, write
            running.has_said.release()

        running.engine.access_log = log
        return running

    return start


def next_line(running):
    assert running.has_said.acquire(timeout=SOON), "nothing was logged"
    return running.said.pop(0)


def lazy(_):
    return Response(iter([b"abc", b"defg"]))


async def async_lazy(_):
    async def pieces():
        yield b"abc"
        yield b"defg"

    return Response(pieces())


@pytest.mark.parametrize("view", [View(lambda _: "hello"), View(lambda _: "hello", mode=THREAD)])
def test_an_answer_is_told_once_with_its_size(told, view):
    running = told({"/": view})
    assert running.get("/").status == 200
    assert next_line(running) == ("/", 200, 5, True)
    running.settle()
    assert running.said == []


@pytest.mark.parametrize("view", [View(lazy, mode=THREAD), View(async_lazy)])
def test_a_lazy_body_is_told_with_what_went_out(told, view):
    running = told({"/": view})
    assert running.get("/").body == b"abcdefg"
    assert next_line(running) == ("/", 200, 7, True)


def test_what_the_peer_takes_slowly_is_told_when_it_is_out_with_the_time_that_took(told):
    running = told({"/": View(lambda _: LARGE)})
    peer = running.connect()
    peer.get("/")
    assert peer.has_bytes(SOON)
    running.settle()
    assert running.said == [], "it is not out yet"
    began = time.monotonic()
    while time.monotonic() - began < 0.02:
        running.settle()
    assert len(peer.answer().body) == len(LARGE)
    assert next_line(running) == ("/", 200, len(LARGE), True)
    assert running.times[3] >= 20_000


def test_an_answer_that_the_peer_did_not_wait_for_is_told_as_cut(told):
    running = told({"/": View(lambda _: LARGE)})
    peer = running.connect()
    peer.get("/")
    assert peer.has_bytes(SOON)
    peer.reset()
    assert next_line(running) == ("/", 200, -1, False)


def test_bytes_that_are_no_request_are_told_without_one(told):
    running = told({})
    peer = running.connect()
    peer.send(b"\x16\x03\x01\r\n\r\n")
    assert peer.answer().status == 400
    assert next_line(running)[:2] == (None, 400)

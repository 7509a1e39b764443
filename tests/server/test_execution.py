"""The pool: as many threads as jobs, up to its limit, and an answer when the system gives none."""

import sys
import threading
from contextlib import contextmanager

import pytest

from kolben.base import Limits
from kolben.http import Response
from kolben.server.execution import Executor

from .conftest import SOON, THREAD, View, pool_threads


class Posts:
    """A reactor as far as an executor knows one."""

    def post(self, function, argument):
        function(argument)
        return True


@contextmanager
def executor(**limits):
    pool = Executor(Posts(), Limits(**limits))
    try:
        yield pool
    finally:
        pool.shutdown()
        for thread in pool_threads():
            thread.join(SOON)
        assert pool_threads() == []


def test_two_jobs_that_wait_for_each_other_always_meet():
    """A thread between taking a job and running it must not count as free for the next one."""
    with executor(threads=4) as pool:
        for _ in range(300):
            meeting, left = threading.Barrier(2), threading.Semaphore(0)
            for _ in range(2):
                pool.submit(lambda _, meeting=meeting: meeting.wait(SOON), None, lambda _, left=left: left.release())
            assert left.acquire(timeout=SOON)
            assert left.acquire(timeout=SOON)


def test_there_are_no_more_threads_than_the_limit_and_every_job_runs():
    done = threading.Semaphore(0)
    go = threading.Event()
    with executor(threads=3) as pool:
        for _ in range(20):
            pool.submit(lambda _: go.wait(SOON), None, lambda _: done.release())
        assert len(pool_threads()) == 3
        go.set()
        for _ in range(20):
            assert done.acquire(timeout=SOON)


def test_one_thread_serves_jobs_that_come_one_after_the_other():
    with executor(threads=10) as pool:
        for _ in range(50):
            done = threading.Event()
            pool.submit(lambda _: None, None, lambda _, done=done: done.set())
            assert done.wait(SOON)
        assert len(pool_threads()) <= 2  # the first may still have had a word to say when the second job came


def test_what_a_job_raises_is_handed_on():
    errors = []
    done = threading.Event()

    def then(error):
        errors.append(error)
        done.set()

    with executor() as pool:
        pool.submit(lambda _: 1 / 0, None, then)
        assert done.wait(SOON)
    assert isinstance(errors[0], ZeroDivisionError)


def test_after_its_end_nothing_is_taken():
    with executor() as pool:
        pool.shutdown()
        results = []
        pool.submit(lambda _: None, None, results.append)
        assert isinstance(results[0], RuntimeError)


def test_threads_take_short_turns_while_there_are_any():
    """With the default of 5 ms, four busy views make every short one wait for 20."""
    before = sys.getswitchinterval()
    with executor() as pool:
        pool.submit(lambda _: None, None, lambda _: None)
        assert sys.getswitchinterval() == 0.0005
    assert sys.getswitchinterval() == before


def test_a_pool_without_threads_is_refused():
    with pytest.raises(ValueError, match="threads: expected 1 or more, got 0"):
        Limits(threads=0)


@pytest.fixture
def _no_threads(monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("kolben-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.mark.usefixtures("_no_threads")
def test_a_request_is_answered_with_503_when_the_system_gives_no_thread(serve):
    running = serve({"/": View(lambda _: "hello", mode=THREAD), "/inline": View(lambda _: "hello")})
    peer = running.connect()
    peer.get("/")
    peer.get("/inline")
    assert peer.answer().status == 503
    assert peer.answer().body == b"hello"


@pytest.mark.usefixtures("_no_threads")
def test_a_lazy_body_is_cut_and_closed_when_the_system_gives_no_thread(serve):
    closed = threading.Event()

    def view(_):
        response = Response(iter(["a"]))
        response.call_on_close(closed.set)
        return response

    running = serve({"/": View(view), "/inline": View(lambda _: "hello")})
    peer = running.connect()
    peer.get("/")
    assert closed.wait(SOON)
    with pytest.raises((ConnectionResetError, AssertionError)):
        peer.answer()
    assert running.get("/inline").body == b"hello"


@pytest.mark.usefixtures("_no_threads")
def test_a_body_that_cannot_be_spooled_is_refused_when_the_system_gives_no_thread(serve):
    peer = serve({"/": View(lambda _: "hello")}).connect()
    peer.post("/", b"x" * 300_000)
    assert peer.answer().status == 507

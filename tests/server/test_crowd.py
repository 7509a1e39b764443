"""Threads that compute are few at a time; threads that wait are as many as there may be."""

import threading

import pytest

from kolben.base import Limits
from kolben.server import execution
from kolben.server.crowd import CLEAR, CROWDED, FEWEST, Crowd
from kolben.server.execution import Executor

from .conftest import SOON, pool_threads

LONG, MIDDLE, SHORT = CROWDED * 2, (CLEAR + CROWDED) / 2, 0.0


def after(crowd, *waits):
    for wait in waits:
        crowd.learn(wait)
    return crowd.allowed


def test_all_are_allowed_as_long_as_nobody_waits():
    assert after(Crowd(40), *[SHORT] * 3) == 40


def test_a_long_wait_may_be_another_process_two_are_a_crowd():
    assert after(Crowd(40), LONG, SHORT, LONG) == 40
    assert after(Crowd(40), LONG, LONG) == 30


def test_a_crowd_shrinks_to_a_few_and_no_further():
    assert after(Crowd(40), *[LONG] * 20) == FEWEST


@pytest.mark.parametrize("most", range(1, FEWEST + 1))
def test_few_are_no_crowd(most):
    assert after(Crowd(most), *[LONG] * 20) == most


def test_the_number_stays_where_the_lock_is_busy_and_nobody_waits_for_long():
    crowd = Crowd(40)
    shrunk = after(crowd, *[LONG] * 4)
    assert after(crowd, *[MIDDLE] * 20) == shrunk < 40


def test_it_grows_to_the_most_where_nobody_waits():
    crowd = Crowd(40)
    after(crowd, *[LONG] * 20)
    assert after(crowd, *[SHORT] * 12) == 40


class Loop:
    """One that calls what is due when told to, as a reactor would."""

    def __init__(self):
        self.due = []

    def call_later(self, _, function):
        self.due.append(function)

    def post(self, function, argument):
        function(argument)
        return True

    post_to_loop = post

    def turn(self):
        due, self.due = self.due, []
        for function in due:
            function()


@pytest.fixture
def waits(monkeypatch):
    """What the next looks find."""
    found = []
    monkeypatch.setattr(execution, "wait_for_interpreter", lambda: found.pop(0))
    return found


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def pool(loop):
    executor = Executor(loop, Limits(threads=12), loop)
    yield executor
    executor.shutdown()
    for thread in pool_threads():
        thread.join(SOON)


def test_threads_beyond_what_is_allowed_end_after_their_job(pool, loop, waits):
    go, done = threading.Semaphore(0), threading.Semaphore(0)
    for _ in range(12):
        pool.submit(lambda _: go.acquire(timeout=SOON), None, lambda _: done.release())
    assert len(pool_threads()) == 12
    waits.extend([LONG] * 10)
    for _ in range(10):
        loop.turn()
    before = pool_threads()
    go.release(12)
    for _ in range(12):
        assert done.acquire(timeout=SOON)
    surplus = 12 - FEWEST
    while surplus:
        ended = [thread for thread in before if not thread.is_alive()]
        surplus = 12 - FEWEST - len(ended)
    assert len(pool_threads()) == FEWEST


def test_jobs_that_wait_for_each_other_meet_although_there_was_a_crowd(pool, loop, waits):
    """Who waits is not in the way: the next looks let more in."""
    waits.extend([LONG] * 10)
    for _ in range(FEWEST + 1):
        pool.submit(lambda _: None, None, lambda _: None)
    for _ in range(10):
        loop.turn()
    meeting, left = threading.Barrier(12), threading.Semaphore(0)
    for _ in range(12):
        pool.submit(lambda _: meeting.wait(SOON), None, lambda _: left.release())
    waits.extend([SHORT] * 100)
    while meeting.n_waiting < 12 and not left.acquire(timeout=0.01):
        loop.turn()
    assert not meeting.broken


def test_nobody_looks_while_a_few_have_work_and_all_are_allowed(pool, loop, waits):
    go = threading.Event()
    for _ in range(FEWEST):
        pool.submit(lambda _: go.wait(SOON), None, lambda _: None)
    assert loop.due == []
    go.set()

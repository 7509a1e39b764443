"""A thread begins, or it does not: never both for who started it, and never neither."""

import gc
import threading
import weakref

import pytest

from kolben.server.threads import begin_thread

from .conftest import SOON


def test_a_function_is_called_in_a_daemon_thread_of_that_name():
    called = []
    begin_thread("some", lambda: called.append(threading.current_thread())).join(SOON)
    assert [(thread.name, thread.daemon) for thread in called] == [("some", True)]


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_thread_that_the_system_does_not_give_is_an_error(monkeypatch, error):
    def start(thread):
        raise error

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(error):
        begin_thread("some", pytest.fail)


def test_a_thread_that_begins_although_its_start_failed_counts_as_begun(monkeypatch):
    """Thread.start() waits for the thread, and that takes memory."""
    start = threading.Thread.start
    called = threading.Event()

    def start_and_fail(thread):
        start(thread)
        assert called.wait(SOON)
        raise MemoryError

    monkeypatch.setattr(threading.Thread, "start", start_and_fail)
    begin_thread("some", called.set).join(SOON)


def test_a_thread_that_begins_after_its_start_failed_calls_nothing(monkeypatch):
    start = threading.Thread.start
    threads = []

    def fail(thread):
        threads.append(thread)
        raise MemoryError

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(MemoryError):
        begin_thread("some", pytest.fail)
    caught = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    start(threads[0])
    threads[0].join(SOON)
    assert caught == []


def test_what_could_not_be_called_is_not_kept(monkeypatch):
    """`threading` keeps a thread that it has no memory to forget."""

    class Function:
        def __call__(self):
            pytest.fail("it was called")

    kept = []

    def fail(thread):
        kept.append(thread)
        raise MemoryError

    monkeypatch.setattr(threading.Thread, "start", fail)
    function = Function()
    gone = weakref.ref(function)
    with pytest.raises(MemoryError):
        begin_thread("some", function)
    del function
    gc.collect()
    assert gone() is None

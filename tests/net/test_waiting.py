"""Threads that wait for a socket, and another one that closes it."""

import os
import select
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest
from tests.net.test_stream import LOCAL, SOON, pair
from tests.waiting import until

from kolben.net import bind, connect, listen
from kolben.net.errors import ClosedError, TimedOutError
from kolben.net.waiting import PATIENCE, Waiters


def wait_in_thread(in_thread, thing, *functions):
    """Let each function wait in a thread of its own, and learn that the thing was closed; returns when all of them wait."""
    told = []

    def call(function):
        with pytest.raises(ClosedError, match="closed"):
            function()
        told.append(function)

    threads = [in_thread(call, function) for function in functions]
    until(lambda: len(thing._waiters) == len(functions))
    return threads, told


def receive(stream):
    return lambda: stream.recv(timeout=None)


def fill(stream):
    """Send what the peer does not take, until it waits."""

    def send():
        while True:
            stream.send(b"x" * 65536, timeout=None)

    return send


@pytest.mark.parametrize("waits", [[receive], [fill], [receive, fill]], ids=["recv", "send", "both"])
def test_closing_a_stream_wakes_those_who_wait(in_thread, waits):
    with pair() as (_, far):
        far.timeout = None
        threads, told = wait_in_thread(in_thread, far, *(make(far) for make in waits))
        far.close()
        assert len(far._waiters) == 0
        for thread in threads:
            thread.join(SOON)
        assert len(told) == len(waits)


def test_closing_a_listener_wakes_those_who_accept(in_thread):
    with listen(LOCAL) as listener:
        threads, told = wait_in_thread(in_thread, listener, listener.accept, listener.accept)
        listener.close()
        with listen(listener.address):  # its port is free at once
            for thread in threads:
                thread.join(SOON)
        assert len(told) == 2


def test_closing_a_listener_ends_its_iteration(in_thread):
    """As that of the awaiting form."""
    served = []

    def serve():
        for stream in listener:
            with stream:
                served.append(stream.recv())

    with listen(LOCAL) as listener:
        thread = in_thread(serve)
        with connect(listener.address) as stream:
            stream.send(b"one")
            assert stream.recv(timeout=SOON) == b""
        until(lambda: len(listener._waiters))
        listener.close()
        thread.join(SOON)
    assert served == [b"one"]


def test_closing_a_datagram_socket_wakes_who_receives(in_thread):
    with bind("udp://127.0.0.1:0") as sock:
        (thread,), told = wait_in_thread(in_thread, sock, sock.recv_from)
        sock.close()
        thread.join(SOON)
        assert len(told) == 1


def test_who_else_has_the_descriptor_notices_nothing(in_thread):
    """A stream whose descriptor was passed on goes on there, also if a thread waited for it here."""
    with pair() as (near, far):
        far.timeout = None
        with socket.socket(fileno=os.dup(far.fileno())) as passed:
            wait_in_thread(in_thread, far, far.recv)
            far.close()
            near.send(b"still here")
            passed.settimeout(SOON)
            assert passed.recv(100) == b"still here"
            passed.setblocking(False)
            with pytest.raises(BlockingIOError):
                passed.recv(100)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_closes_its_own_alone(in_thread):
    """Who waits in the parent waits on, and is woken by the parent."""
    with listen(LOCAL) as listener:
        accepted = []

        def accept():
            accepted.append(listener.accept())

        thread = in_thread(accept)
        until(lambda: len(listener._waiters))
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            status = 1
            with suppress(BaseException):
                listener.close()
                status = 0 if time.monotonic() - began < SOON / 4 else 2  # it waited for no thread of the parent's
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(listener._waiters) == 1
        with connect(listener.address):
            thread.join(SOON)
        with accepted[0]:
            (thread,), told = wait_in_thread(in_thread, listener, listener.accept)
            listener.close()
            thread.join(SOON)
            assert len(told) == 1


def test_a_handler_of_a_signal_closes_what_its_own_thread_waits_for():
    """It does not wait for itself."""
    with listen(LOCAL) as listener:
        before = signal.signal(signal.SIGALRM, lambda *_: listener.close() if len(listener._waiters) else None)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        began = time.monotonic()
        try:
            with pytest.raises(ClosedError):
                listener.accept(SOON)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert time.monotonic() - began < PATIENCE


def test_a_deadline_stays_one():
    with bind("udp://127.0.0.1:0") as sock:
        for _ in range(2):
            with pytest.raises(TimedOutError):
                sock.recv(timeout=0.01)


def test_nobody_waits_after_the_end():
    """Whoever comes later is told at once, and ending twice is fine; no descriptor is left."""
    waiters = Waiters()
    near, far = socket.socketpair()
    with near, far:
        before = set(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else set()
        assert not waiters.wait(near, select.POLLIN, time.monotonic())
        waiters.end()
        waiters.end()
        assert waiters.is_over
        assert waiters.wait(near, select.POLLIN, None)
        assert len(waiters) == 0
        assert not before or set(os.listdir("/proc/self/fd")) == before


def test_the_end_comes_when_all_have_left(in_thread):
    """Until then the socket must stay open: its number could become another's."""
    waiters = Waiters()
    near, far = socket.socketpair()
    with near, far:
        order, goes = [], threading.Event()

        class Leaving:
            """Lets a thread that was woken leave when the test says so."""

            def __init__(self, lock):
                self.lock = lock

            def __enter__(self):
                if order and threading.current_thread() is waiting:
                    goes.wait(SOON)
                    order.append("left")
                self.lock.acquire()

            def __exit__(self, *_):
                self.lock.release()

        def wait():
            waiters.wait(near, select.POLLIN, None)

        def end():
            waiters.end()
            order.append("ended")

        waiters._lock = Leaving(waiters._lock)
        waiting = in_thread(wait)
        until(lambda: len(waiters))
        order.append("ends")
        ending = in_thread(end)
        until(lambda: waiters.is_over)
        goes.set()
        ending.join(SOON)
        assert order == ["ends", "left", "ended"]

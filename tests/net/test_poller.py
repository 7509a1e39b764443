"""Descriptors in, events out: each once, in both directions, with the timer and the waker beside them."""

import contextlib
import errno
import os
import resource
import select
import signal
import socket
import sys
import threading

import pytest

from kolben.net._poller import FAILED, PEER_CLOSED, READABLE, TIMER, WOKEN, WRITABLE, Poller, Watcher

SOON = 10_000  # milliseconds; a failing test waits so long, a passing one does not


def open_descriptors():
    """Asked one by one: to list a directory opens one more."""

    def is_open(fd):
        try:
            os.fstat(fd)
        except OSError:
            return False
        return True

    return {fd for fd in range(512) if is_open(fd)}


@pytest.fixture
def watcher():
    with Watcher() as watcher:
        yield watcher


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        yield here, there


@pytest.fixture
def watched(watcher, pair):
    """A connection whose first event, that it is writable, has been taken."""
    watcher.watch(pair[0], "connection")
    assert watcher.wait(0) == [("connection", WRITABLE)]
    return watcher, *pair


def test_a_new_connection_is_writable_once(watcher, pair):
    """Edges, not levels: what was told is not told again."""
    watcher.watch(pair[0], "connection")
    assert watcher.wait(0) == [("connection", WRITABLE)]
    assert watcher.wait(0) == []


def test_bytes_that_are_left_unread_make_no_second_event(watched):
    """Reading is edge-triggered; more bytes are a new edge."""
    watcher, _here, there = watched
    there.send(b"a")
    assert [flags & READABLE for _, flags in watcher.wait(SOON)] == [READABLE]
    assert watcher.wait(0) == []
    there.send(b"b")
    assert [flags & READABLE for _, flags in watcher.wait(SOON)] == [READABLE]


def test_a_full_connection_is_told_when_it_has_room_again(watched):
    """No system call asks for that: both directions are watched once and for all."""
    watcher, here, there = watched
    with contextlib.suppress(BlockingIOError):
        while True:
            here.send(bytes(65536))
    assert watcher.wait(0) == []
    there.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while there.recv(65536):
            pass
    assert watcher.wait(SOON) == [("connection", WRITABLE)]


def test_a_half_closed_peer_is_told_once_and_bytes_before_that_stay(watched):
    """A connection that waits for its answer's end does not spin (RFC 9112, section 9.6)."""
    watcher, here, there = watched
    there.send(b"last")
    there.shutdown(socket.SHUT_WR)
    [(value, flags)] = watcher.wait(SOON)
    assert (value, flags & (READABLE | PEER_CLOSED)) == ("connection", READABLE | PEER_CLOSED)
    assert not flags & FAILED
    assert watcher.wait(0) == []
    assert here.recv(100) == b"last"


def test_a_closed_peer_has_failed(watched):
    """Both directions are gone."""
    watcher, _here, there = watched
    there.close()
    [(_, flags)] = watcher.wait(SOON)
    assert flags & FAILED


def test_a_listener_is_told_as_long_as_somebody_waits(watcher):
    """Level-triggered: a bounded accept leaves the rest for the next turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        watcher.watch_listener(listener, "listener")
        assert watcher.wait(SOON) == [("listener", READABLE)]
        assert watcher.wait(SOON) == [("listener", READABLE)]
        listener.accept()[0].close()
        assert watcher.wait(0) == []
        watcher.forget(listener)


def test_what_is_forgotten_is_not_told(watched):
    """And may be watched again: that is a first edge."""
    watcher, here, there = watched
    there.send(b"a")
    watcher.forget(here)
    assert watcher.wait(0) == []
    watcher.watch(here, "again")
    assert watcher.wait(0) == [("again", READABLE | WRITABLE)]


@pytest.mark.parametrize("delay", [0, 1, 5])
def test_the_timer_wakes_once(watcher, delay):
    """Even with no delay at all."""
    watcher.wake_at(delay)
    assert watcher.wait(SOON) == [(None, TIMER)]
    assert watcher.wait(0) == []


def test_a_later_wake_at_replaces_the_earlier(watcher):
    """One timer: the last word counts, even where the earlier time has come but was not told yet."""
    watcher.wake_at(0)
    watcher.wake_at(3_600_000)
    assert watcher.wait(0) == []
    watcher.wake_at(0)
    assert watcher.wait(SOON) == [(None, TIMER)]


def test_minus_one_switches_the_timer_off(watcher):
    """What has come but was not told is taken back."""
    watcher.wake_at(0)
    watcher.wake_at(-1)
    watcher.wake_at(-1)
    assert watcher.wait(5) == []


def test_the_timer_is_not_early(watcher):
    """A delay of 20 ms is 20 ms at least."""
    before = os.times().elapsed
    watcher.wake_at(20)
    assert watcher.wait(SOON) == [(None, TIMER)]
    assert os.times().elapsed - before >= 0.01  # the clock of times() ticks every 10 ms


def test_the_farthest_delay_is_fine(watcher):
    """As many milliseconds as there are."""
    watcher.wake_at(2**63 - 1)
    assert watcher.wait(0) == []


def test_many_wakes_before_a_wait_are_one_event(watcher):
    """And a wake after it is another."""
    for _ in range(1000):
        watcher.wake()
    assert watcher.wait(0) == [(None, WOKEN)]
    assert watcher.wait(0) == []
    watcher.wake()
    assert watcher.wait(0) == [(None, WOKEN)]


def test_a_thread_wakes_a_wait_for_ever(watcher):
    """The wait holds no lock that the other thread needs (the GIL is released)."""
    thread = threading.Thread(target=watcher.wake)
    thread.start()
    assert watcher.wait(-1) == [(None, WOKEN)]
    thread.join()


def test_a_wait_without_timeout_does_not_wait(watcher):
    """0 asks; it is what a nested poller is called with."""
    assert watcher.wait(0) == []


def test_a_poller_is_readable_while_events_wait(watched):
    """So another poller, or a loop, may watch it; and it is quiet once the events are taken."""
    watcher, _here, there = watched
    assert select.select([watcher], [], [], 0)[0] == []
    for make in (lambda: there.send(b"x"), watcher.wake, lambda: watcher.wake_at(0)):
        make()
        assert select.select([watcher], [], [], SOON / 1000)[0] == [watcher]
        assert len(watcher.wait(0)) == 1
        assert select.select([watcher], [], [], 0)[0] == []


def test_one_wait_tells_many_at_most_128_and_the_next_the_rest(watcher):
    """No event is lost, none comes twice."""
    pairs = [socket.socketpair() for _ in range(150)]
    try:
        for number, (here, _) in enumerate(pairs):
            watcher.watch(here, number)
        first, second = watcher.wait(0), watcher.wait(0)
        assert (len(first), len(second), watcher.wait(0)) == (128, 22, [])
        assert sorted(value for value, _ in first + second) == list(range(150))
    finally:
        for sock in (sock for pair in pairs for sock in pair):
            sock.close()


def test_a_signal_ends_the_wait_with_no_event(watcher):
    """EINTR is not an error; the handler runs when the wait has returned."""
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append("signal"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert watcher.wait(SOON) == []
        assert seen == ["signal"]
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("misuse", ["add twice", "remove unknown", "closed descriptor"])
def test_the_systems_refusals_are_os_errors(watcher, pair, misuse):
    """Of the right subclass, with errno."""
    here, there = pair
    watcher.watch(here, "connection")
    refused = {
        "add twice": lambda: watcher.watch(here, "again"),
        "remove unknown": lambda: watcher.forget(there),
        "closed descriptor": lambda: watcher.watch(max(open_descriptors()) + 1, "closed"),
    }
    with pytest.raises(OSError) as caught:
        refused[misuse]()
    assert caught.value.errno in {errno.EEXIST, errno.ENOENT, errno.EBADF}


def test_every_descriptor_is_closed_on_exec_and_by_close():
    """Nothing leaks into children or after close(), which may be called again."""
    before = open_descriptors()
    poller = Poller()
    made = open_descriptors() - before
    assert made
    assert poller.fileno() in made
    assert not any(os.get_inheritable(fd) for fd in made)
    poller.close()
    poller.close()
    assert open_descriptors() == before


def test_a_forgotten_poller_closes_its_descriptors():
    """Also one that nobody closed."""
    before = open_descriptors()
    poller = Poller()
    assert open_descriptors() > before
    del poller
    assert open_descriptors() == before


def test_a_closed_poller_says_so_and_ignores_wakes():
    """A thread that comes late wakes nobody and writes into no other file."""
    watcher = Watcher()
    watcher.close()
    watcher.wake()
    with pytest.raises(ValueError, match="closed"):
        watcher.fileno()
    with pytest.raises(OSError):
        watcher.wait(0)


@pytest.mark.parametrize("spare", [0, 1, 2])
def test_without_descriptors_left_a_poller_is_an_os_error_and_leaks_nothing(spare):
    """Half-made, it closes what it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = open_descriptors()
    free = [number for number in range(max(before) + 5) if number not in before]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[spare], hard))
    try:
        if spare == 0 or sys.platform == "linux":  # kqueue needs but one
            with pytest.raises(OSError) as caught:
                Poller()
            assert caught.value.errno == errno.EMFILE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_descriptors() == before

r"""Peers that misbehave, as pytest fixtures: what a server meets on the internet and no polite client ever does.

    pytest_plugins = ["kolben.testing.faults"]  # in conftest.py

    def test_a_slow_client_is_answered_as_any_other(slow_client):
        peer = slow_client("127.0.0.1:6380")
        peer.send(b"PING\r\n")  # a packet for each byte
        assert peer.receive_until(b"\n") == b"+PONG\r\n"

Each fixture is a function of an address: "host:port", "unix:/path" or (host, port).  What it opened is closed after the test.  They speak
through the system's own sockets, so they judge a server without sharing a line with it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kolben.net import TCPAddress, UnixAddress, parse_address
from kolben.server.serving import new_event_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

__all__ = [
    "Flood",
    "Peer",
    "coalesced_packets",
    "connection_flood",
    "half_close",
    "nothing_left",
    "peer",
    "reset",
    "slow_client",
    "split_packets",
    "stalled_reader",
]

PATIENCE = 10.0  # seconds that a peer waits for anything
PAUSE = 0.001  # seconds between two packets: time for the other end to read the first
RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: close() discards what is unsent and sends RST
SMALLEST_BUFFER = 2048  # bytes; the system makes of it what it can
STALLED_AFTER = 0.2  # seconds in which nothing more could be sent

Where = str | tuple[str, int]


class Peer:
    """One connection to a server, with a misbehaviour for every occasion.

    Args:
        address: Of the server.
        timeout: Seconds that any call waits.
        pause: Seconds after each packet of `send_in_pieces`.
        receive_buffer: Bytes that the system takes for it; small ones make it a bad reader.
    """

    def __init__(self, address: Where, *, timeout: float = PATIENCE, pause: float = PAUSE, receive_buffer: int = 0) -> None:
        family, target = _target(address)
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.pause = pause
        self._was_reset = False
        try:
            self.socket.settimeout(timeout)
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if family != socket.AF_UNIX:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent alone travels alone
            self.socket.connect(target)
        except ConnectionResetError:  # it was accepted, and reset before connect() returned: whoever reads is told
            self._was_reset = True
        except BaseException:
            self.socket.close()
            raise

    # -- sending

    def send(self, data: bytes) -> None:
        """Send all of it at once."""
        self.socket.sendall(data)

    def send_in_pieces(self, data: bytes, cuts: Sequence[int] | None = None) -> None:
        """Send a packet up to each cut; without any, a packet for each byte."""
        for start, end in _bounds(len(data), range(1, len(data)) if cuts is None else cuts):
            self.socket.sendall(data[start:end])
            time.sleep(self.pause)

    def send_until_stalled(self, data: bytes, *, at_most: int = 1 << 30) -> int:
        """Send it again and again while the server takes it; return how many bytes it took, which it should bound."""
        sent = 0
        self.socket.setblocking(False)
        try:
            while sent < at_most and select.select([], [self.socket], [], STALLED_AFTER)[1]:
                sent += self.socket.send(data)
        finally:
            self.socket.settimeout(PATIENCE)
        return sent

    # -- receiving

    def receive(self, count: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            AssertionError: the server closed before.
        """
        data = bytearray()
        while len(data) < count:
            data += self._some(count - len(data), bytes(data))
        return bytes(data)

    def receive_until(self, mark: bytes) -> bytes:
        """Return what comes up to the mark, and the mark.

        Raises:
            AssertionError: the server closed before.
        """
        data = bytearray()
        while not data.endswith(mark):
            data += self._some(1, bytes(data))
        return bytes(data)

    def rest(self) -> bytes:
        """Return what comes until the server closes."""
        pieces = []
        while piece := self._recv(65536):
            pieces.append(piece)
        return b"".join(pieces)

    def _some(self, count: int, before: bytes) -> bytes:
        piece = self._recv(count)
        assert piece, f"the server closed; before that it sent {before[-200:]!r}"  # noqa: S101 - a test's own statement
        return piece

    def _recv(self, count: int) -> bytes:
        if self._was_reset:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return self.socket.recv(count)

    # -- leaving

    def half_close(self) -> None:
        """Say that nothing more will be sent; what the server sends is still read."""
        with contextlib.suppress(OSError):  # the server has ended it already: whoever reads is told
            self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Vanish with RST, as a process that crashed or a machine that gave up; over a Unix socket, just close."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()

    def close(self) -> None:
        """Close in order.  More than once is fine."""
        self.socket.close()

    def is_ended(self) -> bool:
        """Whether the server ends the connection, in whatever way, without a further byte."""
        try:
            return self._recv(1) == b""
        except ConnectionError:
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SlowPeer(Peer):
    """One that sends a packet for each byte."""

    def send(self, data: bytes) -> None:
        """Send it byte by byte."""
        self.send_in_pieces(data)


class Flood(list[Peer]):
    """Many peers at once."""

    def reset(self) -> None:
        """All vanish together."""
        for each in self:
            each.reset()

    def close(self) -> None:
        """All close."""
        for each in self:
            each.close()


def _target(address: Where) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if not isinstance(address, str):
        return socket.AF_INET6 if ":" in address[0] else socket.AF_INET, address
    parsed = parse_address(address)
    match parsed:
        case TCPAddress(host, port):
            return socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)
        case UnixAddress(path):
            return socket.AF_UNIX, "\0" + path[1:] if parsed.is_abstract else path
    raise ValueError(f"expected the address of a server, such as 127.0.0.1:6380 or unix:/path, got {address!r}")


def _bounds(length: int, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < length}), length]
    return ((start, end) for start, end in itertools.pairwise(edges) if start < end)


# --- fixtures ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """A connection that does what a test tells it; the arguments are Peer's.

    `peer(address, …)`
    """
    with contextlib.ExitStack() as opened:
        yield lambda address, **options: opened.enter_context(Peer(address, **options))


@pytest.fixture
def slow_client() -> Iterator[Callable[..., Peer]]:
    """Whatever it sends goes out byte by byte, each in a packet of its own.

    `slow_client(address)`
    """
    with contextlib.ExitStack() as opened:
        yield lambda address, **options: opened.enter_context(SlowPeer(address, **options))


@pytest.fixture
def half_close(peer: Callable[..., Peer]) -> Callable[[Where, bytes], Peer]:
    """Sends, says that no more will come, and reads on: `rest()` is the answer.

    `half_close(address, data)`
    """

    def send_and_finish(address: Where, data: bytes = b"") -> Peer:
        made = peer(address)
        made.send(data)
        made.half_close()
        return made

    return send_and_finish


@pytest.fixture
def reset(peer: Callable[..., Peer]) -> Callable[..., None]:
    """Sends, waits until so much of an answer is there, and vanishes with RST.

    `reset(address, data, wait_for=b"…")`
    """

    def send_and_vanish(address: Where, data: bytes = b"", *, wait_for: bytes = b"") -> None:
        made = peer(address)
        made.send(data)
        if wait_for:
            made.receive_until(wait_for)
        made.reset()

    return send_and_vanish


@pytest.fixture
def split_packets(peer: Callable[..., Peer]) -> Callable[[Where, bytes], Iterator[Peer]]:
    """For each byte where data can be cut, a peer that has sent it in two packets.

    `split_packets(address, data)`
    """

    def send_in_two(address: Where, data: bytes) -> Iterator[Peer]:
        for cut in range(1, len(data)):
            with peer(address) as made:
                made.send_in_pieces(data, [cut])
                yield made

    return send_in_two


@pytest.fixture
def coalesced_packets(peer: Callable[..., Peer]) -> Callable[..., Peer]:
    """A peer that has sent all of them in one packet.

    `coalesced_packets(address, *messages)`
    """

    def send_together(address: Where, *messages: bytes) -> Peer:
        made = peer(address)
        made.send(b"".join(messages))
        return made

    return send_together


@pytest.fixture
def stalled_reader(peer: Callable[..., Peer]) -> Callable[..., Peer]:
    """Asks and does not read, behind the smallest buffer that the system gives.

    `stalled_reader(address, data)`
    """

    def ask_and_stall(address: Where, data: bytes = b"") -> Peer:
        made = peer(address, receive_buffer=SMALLEST_BUFFER)
        if data:
            made.send(data)
        return made

    return ask_and_stall


@pytest.fixture
def connection_flood() -> Iterator[Callable[[Where, int], Flood]]:
    """So many connections at once.

    `connection_flood(address, count)`
    """
    with contextlib.ExitStack() as opened:

        def open_many(address: Where, count: int) -> Flood:
            flood = Flood()
            opened.callback(flood.close)
            flood.extend(Peer(address) for _ in range(count))
            return flood

        yield open_many


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """At the end of the test no descriptor is open and no thread runs that was not there before; 10 s to get there.

    Name it before the fixture that runs the server, so that it looks after that one has closed.
    """
    new_event_loop().close()  # uvloop keeps a pipe for the process from its first loop on
    before = _descriptors(), set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while (left := _left_since(*before)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"left behind: {', '.join(left)}"  # noqa: S101 - a test's own statement


def _left_since(descriptors: int, threads: set[threading.Thread]) -> list[str]:
    left = [f"thread {each.name}" for each in threading.enumerate() if each not in threads]
    more = _descriptors() - descriptors
    return [*left, f"{more} descriptors"] if more > 0 else left


def _descriptors() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/dev/fd"))
    return 0  # the system does not tell

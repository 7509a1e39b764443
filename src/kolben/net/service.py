"""What listens beside HTTP, as a server sees it: a small protocol, so that a server runs services without knowing what they do.

An app makes services and a server runs them: it opens their sockets, or is left them by a supervisor, gives them its loop, and counts
them when it stops.  The life of one:

    take(sockets) → start(host) → drain() → [while `active`, until the deadline] → abort()
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from kolben.net import DatagramSocket, bind, listen_all, parse_address

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from kolben.base import Limits, Timeouts

__all__ = ["Host", "Service", "Socket", "adopt_sockets", "open_sockets"]

DATAGRAMS = ("udp://", "unix-dgram:")


class Socket(Protocol):
    """A socket that listens, or that datagrams come to."""

    def fileno(self) -> int:
        """Its descriptor; -1 once closed."""

    def close(self) -> None:
        """Let go; more than once is fine."""


class Host(Protocol):
    """What a server gives to its services."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where they run."""

    @property
    def limits(self) -> Limits:
        """How much a peer may make them hold."""

    @property
    def timeouts(self) -> Timeouts:
        """How long they wait."""


class Service(ABC):
    """One thing that listens.  All methods are called in the loop's thread, `take` before the loop runs.

    Attributes:
        name: What it is called in logs and lists.
        spec: Where, as open_sockets() reads it.
    """

    name: str
    spec: str

    @abstractmethod
    def take(self, sockets: Sequence[Socket]) -> None:
        """Own these sockets, made for `spec`, from now on."""

    @abstractmethod
    def places(self) -> list[str]:
        """Where a person finds it, once it has its sockets."""

    @abstractmethod
    def start(self, host: Host) -> None:
        """Begin to accept."""

    @abstractmethod
    def drain(self) -> None:
        """Accept no more, close the sockets; what runs goes on.  More than once is fine."""

    @property
    @abstractmethod
    def active(self) -> int:
        """How much of it runs: connections, or datagrams that are being answered."""

    def figures(self) -> dict[str, int]:
        """Return live numbers of it in this process, by their names."""
        return {"active": self.active}

    @abstractmethod
    def abort(self) -> None:
        """End what runs: the time for stopping is over."""


def open_sockets(spec: str) -> list[Socket]:
    """Open what a service listens on: every address of the name, as listen_all() does.

    Raises:
        UsageError: it cannot be done; the message says why and what to do.
    """
    if spec.startswith(DATAGRAMS):
        return [bind(spec)]
    return [*listen_all(parse_address(spec.removeprefix("tls://")))]


def adopt_sockets(spec: str, fds: Sequence[int]) -> list[Socket]:
    """Take descriptors of sockets that another process opened for `spec`."""
    if spec.startswith(DATAGRAMS):
        return [DatagramSocket(socket.socket(fileno=fd)) for fd in fds]
    return [each for fd in fds for each in listen_all(parse_address(f"fd://{fd}"))]

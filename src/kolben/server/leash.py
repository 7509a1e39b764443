"""What ties a worker to its supervisor: orders down, reports up, and silence when one of them is dead.

A pair of connected stream sockets.  Each message is a JSON object on a line; the end of the stream is the other's death, which no
signal, no pid and no clock can tell as surely.
"""

from __future__ import annotations

import json
import select
import socket
from typing import Any

__all__ = ["Leash", "leash_pair"]

LONGEST = 64 * 1024  # characters of one fact; a traceback is the longest
PATIENCE = 1.0  # seconds: the other end reads at once, or never will


class Leash:
    """One end.  Owns its descriptor.  Reading never waits."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._unread = b""
        self.is_cut = False

    @classmethod
    def of_descriptor(cls, fd: int) -> Leash:
        """Take the end that this process was started with."""
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        return cls(sock)

    def fileno(self) -> int:
        """Its descriptor, to wait for messages with."""
        return self._socket.fileno()

    def say(self, message: str, **facts: Any) -> bool:
        """Send a message; False if nobody is there to hear it."""
        short = {name: fact[:LONGEST] if isinstance(fact, str) else fact for name, fact in facts.items()}
        left = memoryview(json.dumps({"message": message, **short}).encode() + b"\n")
        try:
            while left:
                try:
                    left = left[self._socket.send(left) :]
                except BlockingIOError:  # not settimeout(): another thread may be reading
                    if not select.select([], [self._socket], [], PATIENCE)[1]:
                        return False
        except OSError:
            return False
        return True

    def heard(self) -> list[dict[str, Any]]:
        """Return the messages that have come; `is_cut` tells afterwards whether the other end is gone."""
        messages = []
        while not self.is_cut:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.is_cut = not data
            *lines, self._unread = (self._unread + data).split(b"\n")
            messages += [json.loads(line) for line in lines]
        return messages

    def close(self) -> None:
        """Let go: the other end sees that as death."""
        self._socket.close()


def leash_pair() -> tuple[Leash, socket.socket]:
    """Make the supervisor's end, and the socket that a worker is to be started with."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Leash(ours), theirs

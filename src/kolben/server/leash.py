"""What ties a worker to its supervisor: orders down, reports up, and silence when one of them is dead.

A pair of connected stream sockets.  Each message is a JSON object on a line; the end of the stream is the other's death, which no
signal, no pid and no clock can tell as surely.  A message can have descriptors with it.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections import deque
from typing import Any

__all__ = ["Leash", "leash_pair"]

LONGEST = 64 * 1024  # characters of one fact; a traceback is the longest
MOST = 250  # descriptors of one message: the kernel's SCM_MAX_FD is 253
PATIENCE = 1.0  # seconds: the other end reads at once, or never will


class Leash:
    """One end.  Owns its descriptor.  Reading never waits."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._unread = b""
        self._kept: list[dict[str, Any]] = []  # heard while another was waited for
        self._descriptors: deque[int] = deque()  # received, and their message not yet read
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

    def say(self, message: str, *, descriptors: list[int] | None = None, **facts: Any) -> bool:
        """Send a message, with duplicates of these descriptors; False if nobody is there to hear it."""
        short = {name: fact[:LONGEST] if isinstance(fact, str) else fact for name, fact in facts.items()}
        if descriptors:
            short["descriptors"] = len(descriptors)
        left = memoryview(json.dumps({"message": message, **short}).encode() + b"\n")
        try:
            while left:
                try:
                    sent = socket.send_fds(self._socket, [left], descriptors) if descriptors else self._socket.send(left)
                    left, descriptors = left[sent:], None  # they went with the first byte
                except BlockingIOError:  # not settimeout(): another thread may be reading
                    if not select.select([], [self._socket], [], PATIENCE)[1]:
                        return False
        except OSError:
            return False
        return True

    def heard(self) -> list[dict[str, Any]]:
        """Return the messages that have come; `is_cut` tells afterwards whether the other end is gone.

        Descriptors stand in a message as `descriptors`; who reads it owns them.
        """
        messages, self._kept = self._kept, []
        while not self.is_cut:
            try:
                data = self._receive()
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.is_cut = not data
            *lines, self._unread = (self._unread + data).split(b"\n")
            messages += [self._read(line) for line in lines]
        return messages

    def wait_for(self, *names: str) -> dict[str, Any] | None:
        """Wait for a message of one of these names and return it; None: the other end is gone.  Others are heard later."""
        while True:
            kept = self.heard()
            found = next((each for each in kept if each["message"] in names), None)
            self._kept = [each for each in kept if each is not found]
            if found or self.is_cut:
                return found
            select.select([self._socket], [], [])

    def _receive(self) -> bytes:
        data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, MOST)
        for fd in descriptors:
            os.set_inheritable(fd, False)
        self._descriptors.extend(descriptors)
        return data

    def _read(self, line: bytes) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(line)
        if "descriptors" in message:
            message["descriptors"] = [self._descriptors.popleft() for _ in range(message["descriptors"])]
        return message

    def close(self) -> None:
        """Let go: the other end sees that as death."""
        self._socket.close()


def leash_pair() -> tuple[Leash, socket.socket]:
    """Make the supervisor's end, and the socket that a worker is to be started with."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Leash(ours), theirs

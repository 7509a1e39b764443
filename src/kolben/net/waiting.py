"""Threads that wait for a socket, and learn at once when another one closes it.

The system does not tell them: who sleeps in poll() sleeps on when the descriptor is closed, and meanwhile its number may have become
another socket's.  So who closes wakes them first, and goes on when they have left.  To shut the socket down would wake them as well, but
whoever else has it (a process that it was passed to, a forked child) would find it at its end.
"""

import os
import select
import socket
import threading
import time

__all__ = ["Waiters"]

PATIENCE = 5.0  # seconds for threads to leave that were woken; only one that is stopped from outside takes so long


class Waiters:
    """The threads that wait for one socket.  Costs two descriptors from the first wait to the end."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self.is_over = False
        self._inside: list[int] = []  # threads
        self._polls: dict[int, select.poll] = {}  # by event: one that no thread uses now
        self._lock = threading.RLock()  # a signal's handler may come in between
        self._left = threading.Condition(self._lock)
        self._bell: tuple[socket.socket, socket.socket] | None = None  # (to ring by shutting it down, to wait for)
        self._process = os.getpid()

    def __len__(self) -> int:
        """How many threads wait now."""
        return len(self._inside)

    def wait(self, sock: socket.socket, event: int, deadline: float | None) -> bool:
        """Wait for the socket, or for the end: then `is_over`.

        Args:
            sock: What to wait for.
            event: `select.POLLIN` or `select.POLLOUT`.
            deadline: Of `time.monotonic()`; None waits for ever.

        Returns:
            Whether it was in time.
        """
        with self._lock:
            if self.is_over:
                return True
            self._inherit()
            poll = self._polls.pop(event, None) or self._make_poll(sock, event)
            self._inside.append(threading.get_ident())
        try:
            return bool(poll.poll(None if deadline is None else max(deadline - time.monotonic(), 0) * 1000))
        finally:
            self._leave(event, poll)

    def _leave(self, event: int, poll: select.poll) -> None:
        with self._lock:
            self._inside.remove(threading.get_ident())
            self._polls[event] = poll
            if self.is_over:
                self._left.notify_all()

    def _make_poll(self, sock: socket.socket, event: int) -> select.poll:
        if self._bell is None:
            self._bell = socket.socketpair()
        poll = select.poll()
        poll.register(sock, event)
        poll.register(self._bell[1], select.POLLIN)
        return poll

    def end(self) -> None:
        """Wake all, and return when they have left: now the socket may be closed.  More than once is fine."""
        with self._lock:
            self.is_over = True
            self._inherit()
            bell, self._bell = self._bell, None
            if bell is not None:
                bell[0].shutdown(socket.SHUT_RDWR)
                own = threading.get_ident()  # a signal's handler closes what its own thread waits for
                self._left.wait_for(lambda: all(thread == own for thread in self._inside), PATIENCE)
                _close(bell)
                self._polls.clear()

    def _inherit(self) -> None:
        """In a forked child: threads and bell are the parent's."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._inside.clear()
            self._polls.clear()
            bell, self._bell = self._bell, None
            if bell is not None:
                _close(bell)


def _close(bell: tuple[socket.socket, socket.socket]) -> None:
    for end in bell:
        end.close()

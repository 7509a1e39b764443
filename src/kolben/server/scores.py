"""Numbers that the workers of one server share: each compares itself with the others, and the supervisor sees all.

A row of 64-bit integers for each worker, in memory that every process maps.  Only its worker writes a row, and a whole integer is
written at once, so nothing is locked: what is read is at most a moment old.  Row 0 is the supervisor's: how many rows to look at.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from dataclasses import dataclass
from typing import Self

__all__ = ["Scores", "Tally"]

WIDTH = 16  # integers in a row: two lines of the processor's cache, so that no two workers write into one
CONNECTIONS = 1  # the column that a worker's connections are written into as they come and go
SERVICES = 6  # the column of connections that are not HTTP's
USED = 7  # the column that says whether the row is somebody's
PLACE = 8  # the first of those that hold text: the name of the route that was begun last
ROWS = 256  # 32 KiB: workers that drain keep theirs
STALE = 1500  # milliseconds: a worker that is silent for longer accepts nothing, whatever its row says


@dataclass(frozen=True, slots=True)
class Tally:
    """One row.

    Attributes:
        accepts: 1 while the worker takes new connections.
        connections: Open ones.
        accepted: Connections ever opened.
        requests: Requests ever begun.
        refused: Requests that broke a rule, a limit or a deadline.
        beat: When the worker's loop last turned: milliseconds of the monotonic clock, which all processes of a machine share.
        services: Open connections of services beside HTTP, as of the last beat.
    """

    accepts: int = 0
    connections: int = 0
    accepted: int = 0
    requests: int = 0
    refused: int = 0
    beat: int = 0
    services: int = 0


class Scores:
    """The table.  `row` is the one that this process writes."""

    def __init__(self, fd: int, row: int = 0) -> None:
        """Map the memory that `fd` stands for.  Takes the descriptor."""
        self.fd = fd
        self.row = row
        self._map = mmap.mmap(fd, ROWS * WIDTH * 8)
        self._table = memoryview(self._map).cast("q")

    @classmethod
    def make(cls) -> Self:
        """Make a table of zeros that child processes can be given."""
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("kolben-scores")
        else:
            with tempfile.TemporaryFile() as file:
                fd = os.dup(file.fileno())
        os.ftruncate(fd, ROWS * WIDTH * 8)
        return cls(fd)

    def close(self) -> None:
        """Unmap it."""
        self._table.release()
        self._map.close()
        os.close(self.fd)

    # -- a worker's own row

    def open_now(self) -> memoryview:
        """Return the memory for the number of open connections: one integer."""
        at = self.row * WIDTH + CONNECTIONS
        return self._table[at : at + 1]

    def place(self) -> memoryview:
        """Return the memory for the name of the route that was begun last: zero-terminated UTF-8."""
        start = (self.row * WIDTH + PLACE) * 8
        return memoryview(self._map)[start : start + (WIDTH - PLACE) * 8]

    def note(self, tally: Tally) -> None:
        """Write this process's row."""
        at = self.row * WIDTH
        table = self._table
        table[at], table[at + 1], table[at + 2] = tally.accepts, tally.connections, tally.accepted
        table[at + 3], table[at + 4], table[at + 5] = tally.requests, tally.refused, tally.beat
        table[at + SERVICES] = tally.services

    def may_accept(self, connections: int) -> bool:
        """Note how many connections this worker has; return whether it is not far above the average of those that accept.

        Connections of services count as much as HTTP's.  Far is an eighth and one connection: equal workers would else hold back in turn.
        """
        table = self._table
        table[self.row * WIDTH + CONNECTIONS] = connections
        connections += table[self.row * WIDTH + SERVICES]
        oldest = milliseconds() - STALE
        total = count = 0
        for at in range(WIDTH, (table[0] + 1) * WIDTH, WIDTH):
            if table[at] and table[at + 5] > oldest:
                count += 1
                total += table[at + CONNECTIONS] + table[at + SERVICES]
        return connections * 8 * count <= total * 9 + 8 * count

    # -- the supervisor's part

    def open_row(self) -> int:
        """Return a row that nobody uses; 0 if there is none: its worker then compares itself with nobody."""
        for row in range(1, ROWS):
            if not self._table[row * WIDTH + USED]:
                self._table[row * WIDTH + USED] = 1
                self._table[0] = max(self._table[0], row)
                return row
        return 0

    def close_row(self, row: int) -> None:
        """Give a row back."""
        if row:
            for column in range(WIDTH):
                self._table[row * WIDTH + column] = 0

    def read(self, row: int) -> Tally:
        """Return a worker's numbers."""
        return Tally(*self._table[row * WIDTH : row * WIDTH + 7])

    def read_place(self, row: int) -> str:
        """Return the name of the route that a worker began last; "" if there was none."""
        start = (row * WIDTH + PLACE) * 8
        return self._map[start : start + (WIDTH - PLACE) * 8].partition(b"\0")[0].decode("utf-8", "replace")


def milliseconds() -> int:
    """The clock that all processes of a machine share."""
    return time.monotonic_ns() // 1_000_000

"""How many threads of the pool run at once: all, unless they compute and so stand in each other's way.

Threads that wait, for a database or a disk, do not hinder anybody: forty get forty times as much done as one.  Threads that compute share
the interpreter's lock: forty get no more done than one, and whoever asks for the lock stands behind all of them, the loop's thread above
all, which has to read, to answer and to refuse.  What a view does is not known beforehand, but how long the loop's thread waits for
the lock is: so many turns of SWITCH_INTERVAL as there are threads that want to compute.

    the wait              the number of threads        because
    longer than CROWDED   a quarter less, to FEWEST    more than a dozen want to compute: the lock is never idle
    shorter than CLEAR    a quarter more, to the most  the others wait for something else, perhaps for each other

Between the two it stays.  Two looks have to agree on less: another process may have had the processor at one of them.
"""

from __future__ import annotations

import time

__all__ = ["FEWEST", "LOOK", "SWITCH_INTERVAL", "Crowd", "wait_for_interpreter"]

SWITCH_INTERVAL = 0.0005  # seconds: with the default of 5 ms, four busy threads make every inline answer wait 20
FEWEST = 4  # threads
LOOK = 0.05  # seconds between two looks, while more than FEWEST have work
PAUSE = 0.0001  # seconds that the loop's thread lets go of the lock: enough for another to take it
CROWDED = 12 * SWITCH_INTERVAL
CLEAR = 4 * SWITCH_INTERVAL


class Crowd:
    """The number, for one pool: `allowed`, from `learn` to `learn`."""

    def __init__(self, most: int) -> None:
        self.most = self.allowed = most
        self._before = 0.0

    def learn(self, waited: float) -> None:
        """Take how many seconds the loop's thread has just waited for the interpreter's lock."""
        least, self._before = min(waited, self._before), waited
        if least > CROWDED:
            self.allowed = min(self.most, max(FEWEST, self.allowed * 3 // 4))
        elif waited < CLEAR:
            self.allowed = min(self.most, self.allowed + max(1, self.allowed // 4))


def wait_for_interpreter() -> float:
    """Let go of the interpreter's lock, ask for it again, and return how many seconds that took."""
    before = time.perf_counter()
    time.sleep(PAUSE)
    return time.perf_counter() - before - PAUSE

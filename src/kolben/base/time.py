"""Time as the house counts it: whole milliseconds of a clock that never goes back."""

import math
from time import monotonic_ns
from typing import Protocol

__all__ = ["Clock", "FakeClock", "MonotonicClock", "milliseconds"]


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, rounded up: what is more than nothing stays more than nothing, and 0 stays "off".

    Raises:
        ValueError: less than nothing, or not a finite number.
    """
    if not 0 <= seconds < math.inf:
        msg = f"expected seconds, 0 or more, got {seconds!r}"
        raise ValueError(msg)
    return math.ceil(seconds * 1000)


class Clock(Protocol):
    """What tells the time to whoever has deadlines, so that a test can tell another."""

    def now(self) -> int:
        """Milliseconds since a moment that means nothing; never less than before, and 1 or more."""


class MonotonicClock:
    """The system's monotonic clock (CLOCK_MONOTONIC), which native code reads too."""

    def now(self) -> int:
        """Milliseconds since some moment before this process."""
        return monotonic_ns() // 1_000_000 or 1


class FakeClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: int = 1_000_000) -> None:
        self._now = now

    def now(self) -> int:
        """What the start and all advances add up to."""
        return self._now

    def advance(self, seconds: float) -> int:
        """Let time pass; return what now() says then."""
        self._now += milliseconds(seconds)
        return self._now

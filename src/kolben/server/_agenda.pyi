"""What waits for a turn: descriptors in the poller, deadlines, who wants one more step, and calls that other threads have posted."""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import disjoint_base

from kolben.server._lease import Lease
from kolben.server._watched import Watched

@disjoint_base
class Agenda:
    """Owns the poller and the timers, and asks the loop for turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, clock: Callable[[], int] | None = None) -> None: ...
    @property
    def now(self) -> int:
        """Milliseconds of the clock, at the last event that was handled."""

    @property
    def lease(self) -> Lease:
        """Who may touch what this owns."""

    def watched(self) -> list[Watched]:
        """Everything that is watched now."""

    def post(self, function: Callable[[Any], object], argument: object) -> bool:
        """Have `function(argument)` called in a turn.  Thread-safe.

        Whoever holds the lease calls it, the loop's thread or the watchdog's.

        `function` is a method of something watched, or of something whose `connection` is: its connection ends if it raises.
        Returns False once the reactor is closed: then the call may never come, and the caller has to clean up itself.
        """

    def post_to_loop(self, function: Callable[[Any], object], argument: object) -> bool:
        """As post(), but in the loop's thread, never in the watchdog's: for what touches the loop or its tasks."""

    def call_in_loop(self, function: Callable[[Any], object], argument: object) -> None:
        """For whoever holds the lease: call at once, or have the loop's thread do it when that has the lease again."""

    def turn(self) -> None:
        """What the reactor does."""

    def fileno(self) -> int:
        """The descriptor that the loop watches for reading."""

    def asked_turn(self) -> None:
        """The turn that was asked of the loop by `call_soon`: there is one at a time, however many the poller causes meanwhile."""

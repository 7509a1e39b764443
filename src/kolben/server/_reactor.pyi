"""One poller turn inside somebody else's event loop (D1), or a rescue of it by the watchdog's thread."""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import disjoint_base

from kolben.server._backlog import Backlog
from kolben.server._lease import Lease

@disjoint_base
class Watched:
    """Something with a descriptor that a reactor watches: a listener, a connection."""

@disjoint_base
class Graveyard:
    """What was forgotten while events of the batch may still point there."""

    def clear(self) -> None:
        """Let go of all of it: the batch is handled."""

@disjoint_base
class Reactor:
    """Owns the poller and the timers; nested in an asyncio loop that watches `fileno()` and calls `turn`.

    `clock` gives milliseconds for tests; without it, the kernel's monotonic clock counts.
    """

    thread: int  # identity of the loop's
    backlog: Backlog  # of what waits for its turn

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

    def rescue(self, report: Callable[[str], object]) -> bool:
        """In the watchdog's thread: serve until the call that lasts has ended; False if none lasts any more.

        `report` is called with the name of what runs, the first time, the second, the fourth ...
        """

    def blocked_step(self) -> str | None:
        """In the watchdog's thread: the name of a task whose first step lasts; None if there is none, or it was named already."""

    @property
    def late(self) -> bool:
        """Whether who has its turn now waited for too long, so that its request is refused."""

    def fileno(self) -> int:
        """The descriptor that the loop watches for reading."""

    def asked_turn(self) -> None:
        """The turn that was asked of the loop by `call_soon`: there is one at a time, however many the poller causes meanwhile."""

    def turn(self) -> None:
        """Handle what waits, without waiting and for TURN_BUDGET at most.  Called by the loop."""

    def close(self) -> None:
        """Make the calls that threads have posted, then release the poller's descriptors.

        Everything watched must have been forgotten.
        """

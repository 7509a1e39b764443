"""One poller turn inside somebody else's event loop (D1).  In the thread of the loop only, but for `post`."""

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import disjoint_base

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

    def __init__(self, loop: asyncio.AbstractEventLoop, *, clock: Callable[[], int] | None = None) -> None: ...
    @property
    def now(self) -> int:
        """Milliseconds of the clock, at the last event that was handled."""

    def watched(self) -> list[Watched]:
        """Everything that is watched now."""

    def post(self, function: Callable[[Any], object], argument: object) -> bool:
        """Have `function(argument)` called in a turn.  Thread-safe.

        `function` is a method of something watched, or of something whose `connection` is: its connection ends if it raises.
        Returns False once the reactor is closed: then the call may never come, and the caller has to clean up itself.
        """

    def fileno(self) -> int:
        """The descriptor that the loop watches for reading."""

    def turn(self) -> None:
        """Handle what waits, without waiting and for TURN_BUDGET at most.  Called by the loop."""

    def close(self) -> None:
        """Make the calls that threads have posted, then release the poller's descriptors.

        Everything watched must have been forgotten.
        """

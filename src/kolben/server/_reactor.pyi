"""One poller turn inside somebody else's event loop (D1), or a rescue of it by the watchdog's thread."""

import asyncio
from collections.abc import Callable

from typing_extensions import disjoint_base

from kolben.server._agenda import Agenda
from kolben.server._backlog import Backlog

@disjoint_base
class Reactor(Agenda):
    """Takes the turns; nested in an asyncio loop that watches `fileno()` and calls `turn`.

    `clock` gives milliseconds for tests; without it, the kernel's monotonic clock counts.
    """

    thread: int  # identity of the loop's
    backlog: Backlog  # of what waits for its turn

    def __init__(self, loop: asyncio.AbstractEventLoop, *, clock: Callable[[], int] | None = None) -> None: ...
    def rescue(self, say: Callable[[str], object]) -> bool:
        """In the watchdog's thread: serve until the call that lasts has ended; False if none lasts any more.

        `say` is called with the name of what runs, the first time, the second, the fourth ...
        """

    def blocked_step(self) -> str | None:
        """In the watchdog's thread: the name of a task whose first step lasts; None if there is none, or it was named already."""

    @property
    def late(self) -> bool:
        """Whether who has its turn now waited for too long, so that its request is refused."""

    def turn(self) -> None:
        """Handle what waits, without waiting and for TURN_BUDGET at most.  Called by the loop."""

    def close(self) -> None:
        """Make the calls that threads have posted, then release the poller's descriptors.

        Everything watched must have been forgotten.
        """

"""The lease on a server's core, and how the watchdog takes it from a call that does not end (D3)."""

from collections.abc import Callable
from typing import Final

from typing_extensions import disjoint_base

LASTS: Final = 1
QUIET: Final = 2
CLOSED: Final = 3
RESCUE_AFTER: Final = 10000
BLOCKED_AFTER: Final = 100000

@disjoint_base
class Lease:
    """Who holds the core.

    Attributes:
        on_first: Called before the first call that may last: starts the watchdog.
    """

    on_first: Callable[[], object] | None

    @property
    def begun(self) -> int:
        """How many calls and steps have begun."""

    @property
    def is_asleep(self) -> bool:
        """Whether the watchdog has to be woken for the next call."""

    def wait(self, task_tick: float) -> int:
        """In the watchdog's thread: sleep until there is something to see.

        Returns LASTS: a call or step perhaps lasts too long; QUIET: nothing has begun for `task_tick` seconds, and tasks are
        unfinished; CLOSED.
        """

    def rest(self, limit: int) -> bool:
        """Nap so many microseconds, -1: without limit, unless a call begins; return whether one did."""

    def await_first(self, start: Callable[[], object]) -> None:
        """Have `start` called before the next call or step: it starts the watchdog.  In the loop's thread."""

    def close(self) -> None:
        """Let the watchdog end.  In the loop's thread, which holds the lease."""

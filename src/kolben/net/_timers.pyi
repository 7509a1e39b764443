"""The timing wheel: deadlines set, moved and cleared in O(1).  Times are whole milliseconds of one monotonic clock."""

from types import GenericAlias
from typing import Any, Final, Generic, Self, TypeVar

from typing_extensions import disjoint_base

TICK: Final = 64
SLOTS: Final = 512
WORDS: Final = 8

_T = TypeVar("_T")

@disjoint_base
class Timers:
    """The wheel, for native code: see _timers.pxd."""

    @property
    def count(self) -> int:
        """How many timers are set."""

@disjoint_base
class Deadlines(Generic[_T]):
    """A wheel for Python: its timers are Deadlines, and what expires are their values."""

    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def add(self, value: _T) -> Deadline[_T]:
        """Make a deadline, not yet set.  Whoever waits for it keeps it: it is cleared when it is collected."""

    def expired(self, now: int, limit: int = ...) -> list[_T]:
        """Return the values whose deadlines have come, none early and none later than TICK; those deadlines are unset.

        At most `limit` of them: the others wait for the next call, and may be moved or cleared until then.
        """

    def next_due(self, now: int) -> int | None:
        """When to call expired() again; before, it returns nothing.  None if nothing is set."""

    def __len__(self) -> int:
        """How many deadlines are set."""

@disjoint_base
class Deadline(Generic[_T]):
    """One deadline, with the value that expired() returns."""

    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def __new__(cls, deadlines: Deadlines[_T], value: _T) -> Self: ...
    @property
    def value(self) -> _T:
        """What was given."""

    @property
    def due(self) -> int | None:
        """When it is due, or None while it is not set."""

    def set(self, now: int, due: int) -> None:
        """Set or move it.  What is past already expires in the next tick."""

    def clear(self) -> None:
        """Unset it; more than once is fine."""

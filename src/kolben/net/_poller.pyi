"""The native poller: descriptors in, events out."""

from types import TracebackType
from typing import Final, Protocol, Self

from typing_extensions import disjoint_base

READABLE: Final = 1
WRITABLE: Final = 2
PEER_CLOSED: Final = 4
FAILED: Final = 8
TIMER: Final = 16
WOKEN: Final = 32
MARK: Final = 64

class _HasFileno(Protocol):
    def fileno(self) -> int: ...

@disjoint_base
class Poller:
    """One descriptor that watches many, for native code: see _poller.pxd.

    Raises:
        OSError: no descriptors are left.
    """

    def fileno(self) -> int:
        """The poller's own descriptor, readable while events wait.

        Raises:
            ValueError: the poller is closed.
        """

    def close(self) -> None:
        """Close its own descriptors, not the watched ones.  Not while another thread waits; more than once is fine."""

    def __enter__(self) -> Self: ...
    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None: ...

@disjoint_base
class Watcher:
    """A Poller for Python: what it watches has a value, and an event is that value with flags.

    Holds the values, not the sockets: forget() a source before closing it.
    """

    def watch(self, source: int | _HasFileno, value: object) -> None:
        """Tell about reading, writing and closing, each time there is something new (edge-triggered).

        Raises:
            OSError: the descriptor is closed, already watched, or of a kind that cannot be watched.
        """

    def watch_listener(self, source: int | _HasFileno, value: object) -> None:
        """Tell about reading as long as there is something to read (level-triggered).

        Raises:
            OSError: as watch().
        """

    def forget(self, source: int | _HasFileno) -> None:
        """Watch no longer.

        Raises:
            OSError: it was not watched.
        """

    def mark(self) -> bool:
        """Put a MARK event behind all that is ready now; False if the system has no descriptor for it."""

    def wait(self, timeout: int) -> list[tuple[object, int]]:
        """Return values and flags; the value is None for TIMER, WOKEN and MARK.  At most 128 at once.

        `timeout` is in milliseconds: 0 does not wait, -1 waits for ever.  A signal ends the wait with what there is, perhaps nothing.
        """

    def wake_at(self, delay: int) -> None:
        """Make one TIMER event, `delay` milliseconds from now; a later call replaces it, -1 switches it off."""

    def wake(self) -> None:
        """Make one WOKEN event however often it is called before the next wait().  Thread-safe; nothing after close()."""

    def fileno(self) -> int:
        """The poller's own descriptor, readable while events wait.

        Raises:
            ValueError: the watcher is closed.
        """

    def close(self) -> None:
        """Close the poller's descriptors, not the watched ones.  Not while another thread waits; more than once is fine."""

    def __enter__(self) -> Self: ...
    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None: ...

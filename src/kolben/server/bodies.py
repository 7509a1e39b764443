"""Request bodies that are too large for memory: temporary files, written off the loop, with a quota for all of them together."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

from kolben.http.incoming import BodyFile

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spool", "SpoolQuota"]

BUFFERED = 64 * 1024  # bytes


class SpoolQuota:
    """How many bytes the temporary files of one worker may hold together (`limits.spool`).  Any thread.

    Taken as bytes come, not as they are announced: who announces much and sends little takes nothing from others.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit  # 0: none
        self.used = 0
        self.spools: WeakSet[Spool] = WeakSet()
        self._lock = threading.RLock()  # a spool may be collected, and gives back, while it is held

    def has_room(self, n: int) -> bool:
        """Whether n bytes more would fit now."""
        return not self.limit or self.used + n <= self.limit or self.recount() + n <= self.limit

    def recount(self) -> int:
        """Count anew what is used: what could not be given back because there was no memory is not lost for ever."""
        with self._lock:
            self.used = sum(spool.reserved for spool in list(self.spools))
            return self.used

    def take(self, n: int) -> bool:
        """Count n bytes; False, and nothing is counted, if they do not fit."""
        with self._lock:
            fits = self.has_room(n)
            self.used += n * fits
        return fits

    def give(self, n: int) -> None:
        """Count n bytes no longer."""
        with self._lock:
            self.used -= n


class Spool:
    """One body on its way into a temporary file that has no name, so that it is gone with its last descriptor.

    `write` and `finish` block: they run in a thread, one at a time.  They return the error instead of raising it.
    """

    def __init__(self, quota: SpoolQuota) -> None:
        self.file: BodyFile | None = None
        self.reserved = 0  # bytes of the quota
        self._quota = quota
        quota.spools.add(self)

    def reserve(self, n: int) -> bool:
        """Take room for a batch; False if the quota is used up."""
        fits = self._quota.take(n)
        self.reserved += n * fits
        return fits

    def write(self, chunks: Sequence[bytes | bytearray]) -> OSError | None:
        """Append a batch."""
        try:
            if self.file is None:
                raw = tempfile.TemporaryFile(prefix="kolben-", buffering=0)  # noqa: SIM115 - lives as long as its request
                self.file = BodyFile(raw, BUFFERED)
            self.file.writelines(chunks)
        except OSError as error:
            return error
        return None

    def finish(self, chunks: Sequence[bytes | bytearray]) -> OSError | None:
        """Append the last batch and go to the start."""
        error = self.write(chunks)
        if error is None and self.file is not None:
            try:
                self.file.seek(0)
            except OSError as failed:
                return failed
        return error

    def close(self) -> None:
        """Give the room back.  More than once is fine."""
        if self.file is not None:
            with contextlib.suppress(OSError):  # a full disk may refuse what is still buffered; the descriptor is closed all the same
                self.file.close()
            self.file = None
        reserved, self.reserved = self.reserved, 0
        self._quota.give(reserved)

    def __del__(self) -> None:
        """Give the room back also where an error let nobody close it."""
        self.close()

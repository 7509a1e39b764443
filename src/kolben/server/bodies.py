"""Request bodies that are too large for memory: a temporary file, written off the loop."""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spool"]


class Spool:
    """One body on its way into a temporary file that has no name.

    `write` and `finish` block: they run in a thread, one at a time.  They return the error instead of raising it.
    """

    def __init__(self) -> None:
        self.file: IO[bytes] | None = None

    def write(self, chunks: Sequence[bytes | bytearray]) -> OSError | None:
        """Append a batch."""
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile(prefix="kolben-")  # noqa: SIM115 - lives as long as its request
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
        """Give the room back."""
        if self.file is not None:
            with contextlib.suppress(OSError):  # a full disk may refuse what is still buffered; the descriptor is closed all the same
                self.file.close()
            self.file = None

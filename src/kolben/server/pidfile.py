"""Where a running server is found again: a file with its pid, and beside it what came of the last reload.

The file is locked as long as the server lives.  So a file that somebody left behind is told from a living one for certain, though
its pid may be another program's by now.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from kolben.base import UsageError

__all__ = ["PidFile", "find_pid", "read_outcome"]


class PidFile:
    """The file of this process.  Owns it: `close` removes it."""

    def __init__(self, path: Path) -> None:
        """Write it.

        Raises:
            UsageError: another server holds it, or it cannot be written.
        """
        self.path = path
        self.reloads = 0
        self._fd = open_locked(path)
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())
        self.note(generation=0, refused=None)

    def note(self, *, generation: int, refused: str | None) -> None:
        """Say what came of a reload: which generation serves now, and why the one that was tried does not."""
        facts = {"reloads": self.reloads, "generation": generation, "refused": refused}
        self.reloads += 1
        temporary = outcome_path(self.path).with_suffix(".new")
        with suppress(OSError):  # whoever waits for it is told that it did not come
            temporary.write_text(json.dumps(facts), "utf-8")
            temporary.replace(outcome_path(self.path))

    def close(self) -> None:
        """Remove both files, and let the lock go."""
        with suppress(OSError):
            self.path.unlink()
            outcome_path(self.path).unlink()
        os.close(self._fd)


def open_locked(path: Path) -> int:
    """Open the file and lock it; return its descriptor."""
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            msg = f"cannot write the pid file {path}: {error.strerror}\n  Do: choose a path in a folder that is yours (--pid-file PATH)"
            raise UsageError(msg) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            os.close(fd)
            msg = f"a server runs already with the pid file {path} (pid {holder or 'unknown'})\n  Do: stop it, or choose another --pid-file"
            raise UsageError(msg) from None
        if is_at(path, fd):
            return fd
        os.close(fd)  # its owner removed it between our opening and our locking


def is_at(path: Path, fd: int) -> bool:
    """Is this open file the one that stands at the path?"""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


def outcome_path(path: Path) -> Path:
    """Where the outcome of reloads stands, for the pid file at `path`."""
    return path.with_name(path.name + ".state")


def find_pid(path: Path) -> int:
    """Return the pid of the server that holds the file.

    Raises:
        UsageError: nobody does.
    """
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read(32))
    except (OSError, ValueError) as error:
        msg = f"cannot read the pid file {path}: {error}\n  Do: name the one that the server was started with (--pid-file PATH)"
        raise UsageError(msg) from None
    msg = f"no server runs with the pid file {path}: it was left behind\n  Do: start one with `kolben serve --pid-file {path}`"
    raise UsageError(msg)


def read_outcome(path: Path) -> dict[str, Any]:
    """Return what `PidFile.note` wrote last, or nothing."""
    try:
        facts: dict[str, Any] = json.loads(outcome_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts

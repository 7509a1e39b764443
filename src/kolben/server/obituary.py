"""How a process ended, in words."""

from __future__ import annotations

import signal
from typing import IO

__all__ = ["obituary"]

LONGEST = 16 * 1024  # bytes of a traceback


def obituary(status: int, faults: IO[bytes], lived: float, route: str) -> str:
    """Say it in one sentence, with the traceback that the process left in `faults` below, if it did.

    Args:
        status: As in subprocess: an exit status, or a signal's number below zero.
        faults: A file that the process could write to.
        lived: Seconds.
        route: What it began last.
    """
    sentence = f"{cause(status)} after {lived:.1f} s; the last route was {route or 'none'}"
    faults.seek(0)
    trace = faults.read(LONGEST).decode("utf-8", "replace").rstrip()
    return f"{sentence}\n{trace}" if trace else sentence


def cause(status: int) -> str:
    """Name the signal, or the exit status."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (the system may have run out of memory, or somebody sent it)" if -status == signal.SIGKILL else ""
    return f"died of {name}{hint}"

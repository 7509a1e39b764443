"""Threads that begin, or do not: where memory runs out, `threading` leaves it open."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["begin_thread"]


def begin_thread(name: str, function: Callable[[], None]) -> threading.Thread:
    """Call a function in a new daemon thread.

    `Thread.start()` may raise although the thread has begun, for it waits for that; and `threading` keeps a thread for ever that it has
    no memory to forget.  So both sides take the function out of one list: only the first finds it, and nothing else is kept.

    Raises:
        RuntimeError: the system gives no thread; the function will not be called.
        MemoryError: likewise.
    """
    calls = [function]
    thread = threading.Thread(target=_call_first, args=(calls,), name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        try:
            calls.pop()
        except IndexError:  # it has begun all the same
            return thread
        raise
    return thread


def _call_first(calls: list[Callable[[], None]]) -> None:
    try:
        function = calls.pop()
    except IndexError:  # who started this thread was told that it did not begin
        return
    function()

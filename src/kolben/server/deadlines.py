"""Where a plan stands whose time is over: in which lines of which functions, for the log."""

from __future__ import annotations

import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["frames_of_task", "frames_of_thread", "stack"]

OURS = str(Path(__file__).parents[1])
THREADING = threading.__file__
FRAMES = ("cr_frame", "gi_frame", "ag_frame")
AWAITED = ("cr_await", "gi_yieldfrom", "ag_await", "coroutine")  # the last: what a plan puts around a view that waits


def frames_of_thread(identity: int) -> list[FrameType]:
    """The frames of a thread, outermost first."""
    frame = sys._current_frames().get(identity)
    return [each for each, _ in traceback.walk_stack(frame)][::-1] if frame else []


def frames_of_task(task: asyncio.Task[Any]) -> list[FrameType]:
    """The frames of what a task awaits, outermost first.  `task.get_stack()` knows only the outermost."""
    return [frame for each in awaited(task.get_coro()) if (frame := first_of(each, FRAMES)) is not None]


def awaited(coroutine: Any) -> Iterator[Any]:
    """Yield a coroutine, what it awaits, what that awaits ..."""
    while coroutine is not None:
        yield coroutine
        coroutine = first_of(coroutine, AWAITED)


def first_of(value: Any, names: tuple[str, ...]) -> Any:
    """Return the first of some attributes that is there."""
    return next((found for name in names if (found := getattr(value, name, None)) is not None), None)


def stack(frames: list[FrameType]) -> str:
    """Return the lines of a stack, from where the application's code begins; nothing if it has none."""
    while frames and frames[0].f_code.co_filename.startswith((OURS, THREADING, "src/kolben")):
        del frames[0]
    lines = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in frames).format()
    return "  It stands in\n" + "".join(lines).rstrip() if lines else ""

"""The thread that looks whether the loop's is stuck: rescues an inline call, names what cannot be rescued (D3)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import selectors
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kolben.server._lease import BLOCKED_AFTER, CLOSED, QUIET, RESCUE_AFTER
from kolben.server.threads import begin_thread

if TYPE_CHECKING:
    from types import FrameType

    from kolben.server._reactor import Reactor

__all__ = ["Watchdog"]

log = logging.getLogger("kolben.server")
LOOK, LONGEST_LOOK = 0.25, 4.0  # seconds between two looks at a loop that has only tasks; more and more while nothing begins
NEXT_TRY = 10  # seconds after the system gave no thread
ANSWER = 0.1  # seconds that a loop may take to call back
LIBRARY = (str(Path(threading.__file__).parent), str(Path(__file__).parents[1]))  # code that is not the application's: Python's, and ours
IDLE = {selectors.__file__, str(Path(__file__).with_name("serving.py"))}  # where a thread stands whose loop waits for events


class Watchdog:
    """Watches one reactor.  Its thread starts with the first call that could last, and sleeps while nothing runs."""

    def __init__(self, reactor: Reactor, loop: asyncio.AbstractEventLoop) -> None:
        self._reactor = reactor
        self._lease = reactor.lease
        self._loop = loop
        self._thread: threading.Thread | None = None
        self._watched = 0  # identity of the loop's thread
        self._look = LOOK
        self._begun = 0
        self._answered = True

    def start(self) -> None:
        """Be ready.  In the loop's thread."""
        self._watched = self._reactor.thread = threading.get_ident()
        self._lease.await_first(self._start)

    def close(self) -> None:
        """End.  In the loop's thread, while no call runs."""
        self._lease.close()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        """Begin, or try it once more after some time."""
        try:
            self._thread = begin_thread("kolben-watchdog", self._run)
        except (RuntimeError, MemoryError):
            self._loop.call_later(NEXT_TRY, self._lease.await_first, self._start)
            with contextlib.suppress(MemoryError):
                log.exception("The system gives no thread for the watchdog: a view that runs inline and blocks stops all others")

    def _run(self) -> None:
        while (seen := self._lease.wait(self._look)) != CLOSED:
            try:
                if seen == QUIET:
                    self._look_at_tasks()
                elif not self._reactor.rescue(self._report_rescue) and (name := self._reactor.blocked_step()) is not None:
                    self._report_block(name)
            except BaseException:
                log.exception("Error in the watchdog")

    def _report_rescue(self, name: str) -> None:
        log.warning("%s blocks, inline, for more than %d ms: threads serve the others. %s", name, RESCUE_AFTER // 1000, self._place())

    def _report_block(self, name: str) -> None:
        text = "%s is async and blocks the loop for more than %d ms: nobody else is served. %s"
        log.warning(text, name, BLOCKED_AFTER // 1000, self._place())

    # -- later steps of tasks, which the loop makes by itself

    def _look_at_tasks(self) -> None:
        """Ask the loop for a sign of life, unless it visibly waits for events; name what it does if none comes."""
        self._look = min(self._look * 2, LONGEST_LOOK) if self._lease.begun == self._begun else LOOK
        self._begun = self._lease.begun
        frame = sys._current_frames().get(self._watched)
        if frame is None or frame.f_code.co_filename in IDLE or not self._answered:  # the last: it was named already
            return
        self._answered = False
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # it is closed
            return
        if not self._lease.rest(int(ANSWER * 1_000_000)) and not self._answered:
            task = asyncio.current_task(self._loop)
            self._report_block(task.get_name() if task is not None else "A callback of the loop")

    def _answer(self) -> None:
        self._answered = True

    # -- where it stands

    def _place(self) -> str:
        """Say file and line: of the application, if its code is anywhere on the stack."""
        innermost = frame = sys._current_frames().get(self._watched)
        while frame is not None and frame.f_code.co_filename.startswith(LIBRARY):
            frame = frame.f_back
        return describe(frame or innermost)


def describe(frame: FrameType | None) -> str:
    """Return where a frame is."""
    return "" if frame is None else f'It is in {frame.f_code.co_name}, file "{frame.f_code.co_filename}", line {frame.f_lineno}.'

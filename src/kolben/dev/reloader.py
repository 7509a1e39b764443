"""Starts a program again when one of its files has changed: a process that stays, and one after the other that serves.

The one that stays imports nothing of the program.  It opens the sockets, starts this same command line with WERKZEUG_RUN_MAIN, as Flask's
programs know it, and starts it again as long as it ends with RESTART.  The one that serves watches its own files.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kolben.net import listen_all, parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from kolben.dev.watching import Watcher

__all__ = ["AGAIN", "BINDS", "RESTART", "Stopper", "supervise"]

RESTART = 3  # the exit status that asks for another process; Werkzeug's
MAIN = "WERKZEUG_RUN_MAIN"
BINDS = "KOLBEN_RELOADER_BINDS"  # the sockets, for the process that serves
AGAIN = "KOLBEN_RELOADED"  # set in every such process but the first


def supervise(binds: Sequence[str]) -> int:
    """Run this command line until it ends with another status than RESTART; return that."""
    with ExitStack() as stack:
        listeners = [listener for bind in binds for listener in listen_all(parse_address(bind))]
        for listener in listeners:
            stack.callback(listener.close)
        descriptors = [listener.fileno() for listener in listeners]
        environment = {**os.environ, MAIN: "true", BINDS: " ".join(f"fd://{fd}" for fd in descriptors)}
        while True:
            status = run_once(environment, descriptors)
            if status != RESTART:
                return status
            environment[AGAIN] = "1"


def run_once(environment: dict[str, str], descriptors: Sequence[int]) -> int:
    """Run the program once; what this process is told by signals is for it."""
    program = subprocess.Popen([sys.executable, *sys.orig_argv[1:]], env=environment, pass_fds=descriptors)  # noqa: S603 - our own command line, once more

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT or not reaches_both():
            program.send_signal(number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        status = program.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def reaches_both() -> bool:
    """Tell whether Control-C of a terminal reaches our process and the program: a second signal would end it at once."""
    try:
        return os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()  # type: ignore[union-attr]  # no stdin: the same as no terminal
    except (OSError, AttributeError, ValueError):
        return False


class Stopper(threading.Thread):
    """Stops the server of this process when a file has changed.

    Args:
        watcher: Waits for that.
        limit: Seconds after which the process ends, whatever still runs.

    Attributes:
        changed: The file, once it has.
    """

    def __init__(self, watcher: Watcher, *, limit: float) -> None:
        super().__init__(name="kolben-reloader", daemon=True)
        self._watcher = watcher
        self._limit = limit
        self.changed: str | None = None

    def run(self) -> None:
        self.changed = self._watcher.wait()
        print(f" * {self.changed!r} has changed: starting again", file=sys.stderr, flush=True)  # noqa: T201 - for the person who changed it
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._limit)
        os._exit(RESTART)

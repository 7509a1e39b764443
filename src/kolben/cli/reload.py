"""`kolben reload`: have a running server take up a new release, and say what came of it."""

import os
import signal
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from kolben.base.errors import UsageError
from kolben.cli.options import Options, number, parse
from kolben.cli.serve import PID_FILE
from kolben.cli.terminal import show, tell

__all__ = ["command"]

LOOK = 0.05  # seconds between two looks at the outcome
NAMED = ("--pid-file",)
OPTIONS: Options = {
    NAMED: {"metavar": "PATH", "help": f"the one that the server was started with ({PID_FILE})"},
    ("--wait",): {"type": number(0, 3600), "default": 120, "metavar": "SECONDS", "help": "for the outcome (120; 0: do not wait)"},
}


def command(arguments: list[str]) -> int:
    """Send the signal and wait for the outcome: 0 if the new release serves, 1 if the old one does."""
    options = parse("reload", "Let a running server load the app anew, without a request lost.", OPTIONS, arguments, target=False)
    from kolben.server.pidfile import find_pid, read_outcome

    path = pid_path(options)
    pid = find_pid(path)
    before = read_outcome(path).get("reloads", -1)
    os.kill(pid, signal.SIGHUP)
    if not options.wait:
        return 0
    return report(wait_for_outcome(path, before, options.wait))


def pid_path(options: Namespace) -> Path:
    """Return where the pid of the running server stands."""
    name = options.pid_file or os.environ.get(PID_FILE)
    if not name:
        raise UsageError(f"expected --pid-file or {PID_FILE}, got neither\n  Do: start the server with `kolben serve --pid-file PATH`")
    return Path(name)


def wait_for_outcome(path: Path, before: int, patience: float) -> dict[str, Any]:
    """Return what the server wrote after reload number `before`.

    Raises:
        UsageError: it wrote nothing.
    """
    from kolben.server.pidfile import find_pid, read_outcome

    end = time.monotonic() + patience
    while time.monotonic() < end:
        outcome = read_outcome(path)
        if outcome.get("reloads", -1) > before:
            return outcome
        find_pid(path)  # is it still there?
        time.sleep(LOOK)
    raise UsageError(f"no outcome after {patience} s\n  Do: look at the server's log, or wait longer (--wait SECONDS)")


def report(outcome: dict[str, Any]) -> int:
    """Say it to a person."""
    if outcome["refused"] is None:
        show(f"generation {outcome['generation']} serves")
        return 0
    tell(f"the new release is refused, generation {outcome['generation']} serves on: {outcome['refused']}")
    return 1

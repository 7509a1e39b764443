"""Serving in development: the server of production, with a debugger around the app and a reloader around the process."""

from __future__ import annotations

import os
import sys
from contextvars import Context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kolben.dev.debugger import Debugged
from kolben.dev.reloader import BINDS, RESTART, Stopper, supervise
from kolben.dev.watching import Watcher
from kolben.server import run_app
from kolben.server.serving import timeouts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Development", "reload", "serve"]

GRACE = 1.0  # seconds for what runs when a file has changed


@dataclass(frozen=True, slots=True)
class Development:
    """What somebody wants beside the server.

    Attributes:
        reload: Start again when a file has changed.
        debug: Show errors in the browser.
        evaluate: Let whoever knows the PIN run Python in their frames.
        extra_files: Watched beside the program's own.
        exclude_patterns: Files whose change means nothing, as fnmatch patterns of whole paths.
        interval: Seconds between two looks at the files, where nobody tells when one has changed.
    """

    reload: bool = True
    debug: bool = True
    evaluate: bool = True
    extra_files: tuple[str, ...] = ()
    exclude_patterns: tuple[str, ...] = ()
    interval: float = 1.0


def reload(binds: Sequence[str]) -> int:
    """Run this program in a process of its own, and again whenever a file has changed; return its exit status.

    The sockets are opened here: who connects while the program starts again has to wait, and is not refused.
    """
    return supervise(binds)


def serve(app: Any, binds: Sequence[str], wanted: Development, **options: Any) -> None:
    """Serve an app until the process is told to stop, or until a file has changed.

    Args:
        app: Ours, or any WSGI application.
        binds: Where to listen.  Under a reloader, its sockets are taken instead.
        wanted: What there is to be beside the server.
        options: As `kolben.server.run_app` takes them.

    Raises:
        SystemExit: With the status that asks the reloader for another process.
    """
    if wanted.debug:
        app = Debugged(app, evaluate=wanted.evaluate, hosts=[host_of(bind) for bind in binds])
        pin = app.pin or "none: whoever reaches it may use it"
        print(f" * Debugger is active, PIN: {pin}", file=sys.stderr)  # noqa: T201 - for the person who started it
    if not wanted.reload:
        fresh(app, binds, options)
        return
    inherited = os.environ.pop(BINDS, "").split()  # not for programs that the app starts
    options["timeouts"] = replace(timeouts_of(app), graceful=min(GRACE, timeouts_of(app).graceful))
    stopper = Stopper(Watcher(wanted.extra_files, wanted.exclude_patterns, interval=wanted.interval), limit=2 * GRACE)
    stopper.start()
    fresh(app, inherited or binds, options)
    if stopper.changed:
        raise SystemExit(RESTART)


def fresh(app: Any, binds: Sequence[str], options: dict[str, Any]) -> None:
    """Serve in a context of its own: an app context around us is not that of the requests, which would share its `g`."""
    Context().run(run_app, app, binds=list(binds), **options)


def host_of(bind: str) -> str:
    """Return the host of a bind spec; nothing for a socket that has none."""
    return "" if bind.startswith(("unix:", "fd:")) else bind.rpartition(":")[0].strip("[]")

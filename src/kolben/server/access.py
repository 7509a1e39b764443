"""The access log: one line per answer, in the form that web servers have had since NCSA's."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.http import Request

__all__ = ["AccessLog"]

log = logging.getLogger("kolben.access")


class AccessLog:
    """Writes to the logger `kolben.access`; to the standard error stream if nobody has set that logger up.

    SECURITY: what came from the wire is visible ASCII, because the parser lets nothing else through; no escape reaches a terminal.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._second = -1
        self._stamp = ""
        if not log.hasHandlers():
            log.addHandler(logging.StreamHandler(sys.stderr))
            log.setLevel(logging.INFO)
            log.propagate = False

    def __call__(self, remote: tuple[str, int] | None, request: Request | None, status: int) -> None:
        """Note one answer; without a request, the bytes that came were none."""
        line = "-" if request is None else request.request_line
        log.info('%s - - [%s] "%s" %d', remote[0] if remote else "-", self._time(), line, status)

    def _time(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%d/%b/%Y %H:%M:%S", time.localtime(second))
        return self._stamp

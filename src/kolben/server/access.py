"""The access log: one line per answer, for a person or with all facts for a machine.

An answer is noted when its last byte is out, or when its connection ended before that.

SECURITY: the request line is visible ASCII, because the parser lets nothing else through; a request id of the peer's is taken only if
it is short and plain; what else came from the wire is not logged.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from kolben.http.marks import request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.http import Request

__all__ = ["AccessLog"]

log = logging.getLogger("kolben.access")


class AccessLog:
    """Writes to the logger `kolben.access`; to the standard error stream if nobody has set that logger up.

    The line is the one that web servers have had since NCSA's; every record has `facts` beside it, which the JSON log shows instead.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._second = -1
        self._stamp = ""
        if not log.hasHandlers():
            log.addHandler(logging.StreamHandler(sys.stderr))
            log.setLevel(logging.INFO)
            log.propagate = False

    def __call__(
        self,
        remote: tuple[str, int] | None,
        request: Request | None,
        status: int,
        size: int = -1,
        body: int = 0,
        queue: int = 0,
        run: int = 0,
        write: int = 0,
        whole: bool = True,
    ) -> None:
        """Note one answer.

        Args:
            remote: The peer.
            request: What is answered; None: the bytes that came were no request.
            status: Of the answer.
            size: Bytes of its body; -1: it broke off, and how many went out is not known.
            body: Microseconds until the request's body was complete.
            queue: Microseconds that it waited for a thread.
            run: Microseconds that its hooks, its view and its teardown functions took.
            write: Microseconds until its last byte was given to the kernel, or, if it is small, ready to go with others.
            whole: False: the connection ended before that.
        """
        if not log.isEnabledFor(logging.INFO):
            return
        line = "-" if request is None else request.request_line
        peer = remote[0] if remote else None
        client = peer if request is None else request.remote_addr
        facts: dict[str, Any] = {"request": line, "status": status, "remote": client}
        if client != peer:
            facts["peer"] = peer
        if request is not None:
            rule = request.url_rule
            facts |= {"route": None if rule is None else rule.rule, "id": request_id(request)}
            facts |= {"bytes": None if size < 0 else size, "body_us": body, "queue_us": queue, "run_us": run, "write_us": write}
        if not whole:
            facts["cut"] = True
        log.info('%s - - [%s] "%s" %d', client or "-", self._time(), line, status, extra={"facts": facts})

    def _time(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%d/%b/%Y %H:%M:%S", time.localtime(second))
        return self._stamp

"""Where a plan runs, and the two protocols that tie the server to an app it does not know."""

from __future__ import annotations

import enum
from typing import Protocol

from kolben.http._plan import Handler, Plan

__all__ = ["Handler", "Lifespan", "Mode", "Plan"]


class Mode(enum.IntEnum):
    """Where a plan runs."""

    INLINE = 0  # on the thread that reads the socket, at once
    THREAD = 1  # in the pool
    TASK = 2  # as a task of the event loop


class Lifespan(Protocol):
    """What a handler's app does on a server's loop before its first request, and after its last."""

    async def startup(self) -> None:
        """Get ready.  The server accepts nothing before this returns, and does not serve at all if it raises."""

    async def shutdown(self, seconds: float) -> None:
        """Let go, within so many seconds: what takes longer is cancelled, and reported.  Called once after each `startup` that returned."""

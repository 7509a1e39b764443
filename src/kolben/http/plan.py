"""Where a plan runs, and the two protocols that tie the server to an app it does not know."""

from __future__ import annotations

import enum

from kolben.http._plan import Handler, Plan

__all__ = ["Handler", "Mode", "Plan"]


class Mode(enum.IntEnum):
    """Where a plan runs."""

    INLINE = 0  # on the thread that reads the socket, at once
    THREAD = 1  # in the pool
    TASK = 2  # as a task of the event loop

"""Starts a task and runs its first step at once."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

class TaskStarter:
    """Starts tasks on one loop, in the loop's thread, while the loop counts as running there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def start(self, coroutine: Coroutine[Any, Any, Any], context: Context, name: str) -> asyncio.Task[Any]:
        """Return the task; its first step is done."""

"""Starts a task and runs its first step at once."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from typing_extensions import disjoint_base

@disjoint_base
class TaskStarter:
    """Starts tasks on one loop, in the loop's thread, while the loop counts as running there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def keep_step(self, step: Callable[[], object], *args: object, context: Context | None = None) -> None:
        """Stands in for `loop.call_soon`."""

    def skip_task(self, task: asyncio.Task[Any]) -> None:
        """Stands in for `add` of the set of all tasks."""

    def start(self, coroutine: Coroutine[Any, Any, Any], context: Context, name: str) -> asyncio.Task[Any]:
        """Return the task; its first step is done."""

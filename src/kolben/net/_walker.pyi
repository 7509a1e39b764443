"""Who waits on sockets in a task's stead."""

from asyncio import Task
from collections.abc import Awaitable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

_T = TypeVar("_T")

def create_task(coroutine: Coroutine[Any, Any, _T], *, name: str | None = None, context: Context | None = None) -> Task[_T]:
    """As asyncio's, for a coroutine that waits on sockets of the running loop time and again: it is cheaper to wake."""

def led(coroutine: Coroutine[Any, Any, _T]) -> Awaitable[_T]:
    """Await a coroutine for long, within a task of `create_task`: until it has ended, a step of the task is a step of it alone."""

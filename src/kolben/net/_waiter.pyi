"""What tasks wait on until the hub has something for them."""

from asyncio import Task
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

_T = TypeVar("_T")

def create_task(coroutine: Coroutine[Any, Any, _T], *, name: str | None = None, context: Context | None = None) -> Task[_T]:
    """As asyncio's, for a coroutine that waits on sockets of the running loop time and again: it is cheaper to wake."""

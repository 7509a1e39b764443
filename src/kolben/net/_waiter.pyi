"""What tasks wait on until the hub has something for them."""

from asyncio import Task
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar, final

_T = TypeVar("_T")

def create_task(coroutine: Coroutine[Any, Any, _T], *, name: str | None = None, context: Context | None = None) -> Task[_T]:
    """As asyncio's, for a coroutine that waits on sockets of the running loop time and again: it is cheaper to wake."""

@final
class Traces:
    """What work leaves in a task and in its Context: whether other work may have both, and would not see it.  Call `note` first.

    Args:
        task: One of asyncio's.
        context: The one that it runs in; nothing is set in it.
    """

    def __init__(self, task: Task[Any], context: Context) -> None: ...
    def note(self) -> int:
        """Look from here on."""

    def are_left(self) -> bool:
        """Tell whether somebody kept the task or the Context, or changed anything."""

"""What work leaves behind in its task."""

from asyncio import Task
from contextvars import Context
from typing import Any, final

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

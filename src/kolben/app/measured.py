"""Plain functions before an async view: measured as plain views are, so that one that blocks does not stop the loop (D3)."""

from __future__ import annotations

from contextvars import copy_context
from functools import update_wrapper
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from kolben.http import Mode, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MeasuredHook"]


class MeasuredHook:
    """A function that starts its life in a thread and earns being called on the loop: by many short calls, until a long one.

    In a thread it is in a copy of the request's Context, and what it returns is to be awaited.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._record = Plan()  # which knows the rule
        update_wrapper(self, function)

    def __call__(self) -> Any:
        """Call it here if it has earned that; else return a coroutine."""
        if self._record.mode != Mode.INLINE:
            return self._in_thread()
        began = perf_counter_ns()
        try:
            return self._function()
        finally:
            self._record.note_inline((perf_counter_ns() - began) // 1000)

    async def _in_thread(self) -> Any:
        from asyncio import get_running_loop

        result = await get_running_loop().run_in_executor(None, copy_context().run, self._timed)
        return await result if hasattr(result, "__await__") else result

    def _timed(self) -> Any:
        began = perf_counter_ns()
        try:
            return self._function()
        finally:
            self._record.note_in_thread((perf_counter_ns() - began) // 1000, disturbed=True)

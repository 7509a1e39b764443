"""Plain functions around an async view: measured as plain views are, so that one that blocks does not stop the loop (D3)."""

from __future__ import annotations

from contextvars import copy_context
from functools import partial, update_wrapper
from inspect import iscoroutinefunction
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from kolben.app.variables import carry_back
from kolben.http import Mode, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MeasuredHook", "MeasuredHooks", "in_thread"]


class MeasuredHook:
    """A function that starts its life in a thread and earns being called on the loop: by many short calls, until a long one.

    In a thread it is in a copy of the request's Context; what it sets there, the view sees.  Then what it returns is to be awaited.
    """

    def __init__(self, function: Callable[..., Any], record: Plan | None = None) -> None:
        self._function = function
        self._record = record or Plan()  # which knows the rule
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Call it here if it has earned that; else return a coroutine."""
        if self._record.mode != Mode.INLINE:
            return self._away(args)
        began = perf_counter_ns()
        try:
            return self._function(*args)
        finally:
            self._record.note_inline((perf_counter_ns() - began) // 1000)

    async def _away(self, args: tuple[Any, ...]) -> Any:
        result = await in_thread(self._timed, *args)
        return await result if hasattr(result, "__await__") else result

    def _timed(self, *args: Any) -> Any:
        began = perf_counter_ns()
        try:
            return self._function(*args)
        finally:
            self._record.note_in_thread((perf_counter_ns() - began) // 1000, disturbed=True)


class MeasuredHooks:
    """The measured functions of an app: one for each function, whatever plan it is in."""

    def __init__(self) -> None:
        self._hooks: dict[Any, MeasuredHook] = {}
        self._records: dict[Any, Plan] = {}

    def of(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that was registered, as it is to be called on a loop."""
        if iscoroutinefunction(hook):
            return hook
        known = self._hooks.get(hook)
        if known is None:
            known = self._hooks[hook] = MeasuredHook(hook)
        return known

    def of_request(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that one request has registered: what is known of it is known of its code."""
        return hook if iscoroutinefunction(hook) else self.known_as(getattr(hook, "__code__", None), hook)

    def known_as(self, key: Any, function: Callable[..., Any]) -> MeasuredHook:
        """Return a plain function that was made for one call; what is known of it is known under a key, if there is one."""
        return MeasuredHook(function, None if key is None else self._records.setdefault(key, Plan()))


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a thread, in a copy of the present Context; what it sets there is set here afterwards."""
    from asyncio import get_running_loop

    variables = copy_context()
    result = await get_running_loop().run_in_executor(None, partial(variables.run, function, *args))
    carry_back(variables)
    return result

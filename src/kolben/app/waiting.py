"""Wait in plain code for a coroutine."""

from __future__ import annotations

import asyncio
import threading
from contextvars import Context, copy_context
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["async_to_sync"]


def async_to_sync(func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Make a plain function of an async one: asgiref's where it is installed, since it knows `sync_to_async`; else our own.

    Ours, too, where a loop runs in the caller's thread: a template that an async view renders may have async context processors.
    """
    if asyncio._get_running_loop() is not None:
        return _waiting(func)
    try:
        from asgiref.sync import async_to_sync as by_asgiref
    except ImportError:
        return _waiting(func)
    return by_asgiref(func)


def _waiting(func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        variables = copy_context()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            result = _run(func(*args, **kwargs), variables)
        else:
            result = _in_a_thread(lambda: _run(func(*args, **kwargs), variables))
        for variable, value in variables.items():  # what the coroutine set, its caller sees, as if it were one function
            if variable.get(None) is not value:
                variable.set(value)
        return result

    return update_wrapper(call, func)


def _run(coroutine: Coroutine[Any, Any, Any], variables: Context) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(coroutine, context=variables)


def _in_a_thread(call: Callable[[], Any]) -> Any:
    """Run where no loop runs yet: a loop cannot be entered twice on one thread."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.extend((None, call()))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="kolben-async-to-sync")
    thread.start()
    thread.join()
    if outcome[0] is not None:
        raise outcome[0]
    return outcome[1]

"""Wait in plain code for a coroutine.

On the server's own loop, where the app is served by one and this thread is not that loop's: connections of a database pool, locks and
tasks that belong to that loop work in it.  Elsewhere, as Flask has it, on a loop that lasts as long as the call.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import copy_context
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from kolben.app.variables import carry_back

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from kolben.app.app import App
    from kolben.app.life import Life

__all__ = ["async_to_sync"]


def async_to_sync(app: App, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Make a plain function of an async one: where no loop serves the app asgiref's, if it is installed, since it knows `sync_to_async`.

    Not asgiref's where a loop runs in the caller's thread, which it would refuse.
    """
    if asyncio._get_running_loop() is not None or life_elsewhere(app) is not None:
        return _waiting(app, func)
    try:
        from asgiref.sync import async_to_sync as by_asgiref
    except ImportError:
        return _waiting(app, func)
    return by_asgiref(func)


def life_elsewhere(app: App) -> Life | None:
    """Return the app's life on a loop that runs in another thread, and may be waited for in this one."""
    life = app._lifespan.present()
    if life is None or life.thread == threading.get_ident() or not life.loop.is_running():
        return None
    return life


def _waiting(app: App, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        variables = copy_context()
        life = life_elsewhere(app)
        if life is not None:
            result = _on_loop(life.loop, func(*args, **kwargs), variables)
        elif asyncio._get_running_loop() is None:
            result = _run(func(*args, **kwargs), variables)
        else:
            result = _in_a_thread(lambda: _run(func(*args, **kwargs), variables))
        carry_back(variables)
        return result

    return update_wrapper(call, func)


def _run(coroutine: Coroutine[Any, Any, Any], variables: Context) -> Any:
    with asyncio.Runner() as runner:
        return runner.run(coroutine, context=variables)


def _on_loop(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], variables: Context) -> Any:
    """Run as a task of a loop in another thread."""
    outcome: Future[Any] = Future()

    def tell(task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            outcome.set_exception(asyncio.CancelledError())
        elif task.exception() is not None:
            outcome.set_exception(task.exception())
        else:
            outcome.set_result(task.result())

    def begin() -> None:
        loop.create_task(coroutine, context=variables).add_done_callback(tell)

    try:
        loop.call_soon_threadsafe(begin)
    except RuntimeError:  # it was closed this moment
        coroutine.close()
        raise
    return outcome.result()


def _in_a_thread(call: Callable[[], Any]) -> Any:
    """Run where no loop runs yet: a loop cannot be entered twice on one thread."""
    outcome: Future[Any] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name="kolben-async-to-sync").start()
    return outcome.result()

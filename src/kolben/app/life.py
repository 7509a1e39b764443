"""One life of an app: its startup, its work and its shutdown on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextlib import AsyncExitStack
from contextvars import Context, copy_context
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kolben.app.lifespan import Lifespan

__all__ = ["MOST_SECONDS", "Life", "name_of"]

MOST_SECONDS = 30.0  # to stop, where nobody says another number


class Life:
    """One life.  Everything registered runs in one task, so that what its startup enters, its shutdown can leave."""

    def __init__(self, span: Lifespan) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self._span = span
        self._app = span.app
        self._has_begun: asyncio.Future[None] = self.loop.create_future()
        self._ends = asyncio.Event()
        self._work: set[asyncio.Task[Any]] = set()
        self._endless: set[asyncio.Task[Any]] = set()
        self._slots = asyncio.Semaphore(span.app.limits.threads)
        self._task: asyncio.Task[None]

    async def begin(self) -> None:
        """Start up; raises what a function of the startup raised."""
        self._task = self.loop.create_task(self._live(), name=f"lifespan of {self._app.name}", context=Context())
        try:
            await asyncio.shield(self._has_begun)
        except BaseException:
            self._task.cancel()
            with contextlib.suppress(BaseException):
                await self._task
            raise

    async def end(self, seconds: float) -> None:
        """Stop; what is not done after so many seconds is cancelled and reported."""
        self._ends.set()
        done, _ = await asyncio.wait([self._task], timeout=seconds)
        if not done:
            left = sorted(task.get_name() for task in self._work) or ["its shutdown"]
            self._app.logger.error("The app did not stop within %g s; cancelled: %s", seconds, ", ".join(left))
            for task in [*self._work, self._task]:
                task.cancel()
            await asyncio.wait([self._task, *self._work], timeout=1)
        elif self._task.exception() is not None:
            self._app.logger.error("Error while the app stopped", exc_info=self._task.exception())

    async def _live(self) -> None:
        try:
            with self._app.app_context():
                async with AsyncExitStack() as stack:
                    await self._start(stack)
                    self._has_begun.set_result(None)
                    await self._ends.wait()
                    await self._finish_work()
                    await self._stop()
        except BaseException as error:
            if self._has_begun.done():
                raise
            self._has_begun.set_exception(error if isinstance(error, Exception) else RuntimeError(f"the startup was ended by {error!r}"))

    async def _start(self, stack: AsyncExitStack) -> None:
        for each in self._span.mounted:
            await each.startup()
            stack.push_async_callback(each.shutdown, MOST_SECONDS)  # the task that runs this is cancelled at the deadline
        if self._span.manager is not None:
            await stack.enter_async_context(self._span.manager(self._app))
        for function in self._span.on_startup:
            await self.call(function)

    async def _stop(self) -> None:
        for function in reversed(self._span.on_shutdown):
            try:
                await self.call(function)
            except Exception:
                self._app.logger.exception("Error in %s, called because the app stops", name_of(function))

    async def _finish_work(self) -> None:
        while self._work:
            for task in self._endless:
                task.cancel()
            await asyncio.wait(self._work)

    # -- work

    async def call(self, function: Callable[[], Any]) -> Any:
        """Call a function: an async one here, a plain one in a thread, so that it may block."""
        if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "func", None)):
            return await function()
        async with self._slots:
            return await self._in_thread(function)

    def _in_thread(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        future = self.loop.create_future()
        variables = copy_context()

        def tell(set_outcome: Callable[[Any], object], outcome: Any) -> None:
            if not future.done():
                set_outcome(outcome)

        def work() -> None:
            report: Any = partial(tell, future.set_result)
            try:
                outcome = variables.run(function)
            except BaseException as error:  # SystemExit, too: it is for whoever waits
                report, outcome = partial(tell, future.set_exception), error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(report, outcome)

        # A daemon: one that never ends must not keep the process once the time for stopping is over.
        threading.Thread(target=work, name=f"kolben-{name_of(function)}", daemon=True).start()
        return future

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, endless: bool = False, name: str | None = None) -> None:
        """Run a coroutine in the app's context.  Thread-safe."""
        called = name or str(getattr(coroutine, "__qualname__", type(coroutine).__name__))
        if self.loop is _running_loop():
            self._spawn(coroutine, endless, called)
        else:
            self.loop.call_soon_threadsafe(self._spawn, coroutine, endless, called)

    def spawn_call(self, function: Callable[[], Any]) -> None:
        """Run a function in the app's context, a plain one in a thread.  Thread-safe."""
        self.spawn(self.call(function), name=name_of(function))

    def _spawn(self, coroutine: Coroutine[Any, Any, Any], endless: bool, name: str) -> None:
        # Not in a copy of the caller's Context: the request in it will be over.
        task = self.loop.create_task(self._in_app_context(coroutine, name), name=name, context=Context())
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        if endless:
            self._endless.add(task)
            task.add_done_callback(self._endless.discard)

    async def _in_app_context(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        try:
            with self._app.app_context():
                await coroutine
        except Exception:
            self._app.logger.exception("Error in background work: %s", name)


def name_of(function: Any) -> str:
    """Return what to call a function in a log."""
    function = getattr(function, "func", function)
    return getattr(function, "__qualname__", None) or type(function).__name__


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

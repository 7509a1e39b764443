"""Where plans run when they do not run inline: a pool of threads, threads for lazy bodies, tasks of the loop."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from kolben.base.limits import Limits
    from kolben.server._connection import Connection
    from kolben.server._reactor import Reactor
    from kolben.server.streams import ThreadBody

__all__ = ["Executor", "task_starter"]

log = logging.getLogger("kolben.server")
SWITCH_INTERVAL = 0.0005  # seconds: with the default of 5 ms, four busy threads make every inline answer wait 20


class Executor:
    """Threads that run sync plans, started when they are needed, ended by `shutdown`.

    They are daemons: a view in an endless loop must not keep the process alive once the time for stopping is over.
    """

    def __init__(self, reactor: Reactor, limits: Limits) -> None:
        self._reactor = reactor
        self._limits = limits
        self._jobs: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._streams = 0
        self._interval = sys.getswitchinterval()

    # -- called in the loop's thread

    def submit_request(self, connection: Connection) -> bool:
        """Run the plan of a connection's request; False if too many wait already."""
        if self._limits.queue and self._jobs.qsize() >= self._limits.queue:
            return False
        self._put(connection.run_in_thread)
        return True

    def submit(self, function: Callable[[Any], Any], argument: Any, then: Callable[[Any], None]) -> None:
        """Call `function(argument)` in a thread and `then(result)` in the loop's."""
        self._put(lambda: self._reactor.post(then, function(argument)))

    def submit_stream(self, body: ThreadBody, context: Context) -> None:
        """Iterate over the lazy body of a response that was made inline or in a task, in a thread of its own."""
        with self._lock:
            free = self._streams < (self._limits.stream_threads or sys.maxsize)
            self._streams += free
        if free:
            threading.Thread(target=self._stream, args=(body, context), name="kolben-stream", daemon=True).start()
        else:
            body.cancel()
            body.connection.stream_fail()
            log.error("limits.stream_threads (%d) is reached: a lazy body was cut", self._limits.stream_threads)

    def _put(self, job: Callable[[], Any]) -> None:
        self._jobs.put(job)
        with self._lock:
            if self._idle >= self._jobs.qsize() or self._threads >= self._limits.threads:
                return
            self._threads += 1
            number = self._threads
        if number == 1:
            sys.setswitchinterval(SWITCH_INTERVAL)
        threading.Thread(target=self._work, name=f"kolben-{number}", daemon=True).start()

    def shutdown(self) -> None:
        """Let every thread end after its present job."""
        for _ in range(self._threads):
            self._jobs.put(None)
        sys.setswitchinterval(self._interval)

    # -- called in a thread of the pool

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            job = self._jobs.get()
            with self._lock:
                self._idle -= 1
            if job is None:
                return
            try:
                job()
            except BaseException:
                log.exception("Error in the server, not in the application")
            del job  # a request must not live until the next one comes

    def _stream(self, body: ThreadBody, context: Context) -> None:
        try:
            context.run(body.pump)
        finally:
            with self._lock:
                self._streams -= 1


def task_starter(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, Any], Context], asyncio.Task[Any]]:
    """Return what starts a task and runs its first step at once: most views never wait, so their task never meets the loop.

    Python 3.12 has this as `eager_start`.  Before, a task asks `loop.call_soon` for its first step while it is made: an attribute of
    the loop object stands in for the method during that moment, keeps the step, and it is run in the task's context.
    """
    if sys.version_info >= (3, 12):

        def start(coroutine: Coroutine[Any, Any, Any], context: Context) -> asyncio.Task[Any]:
            return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)

        return start
    return _starter_before_312(loop)


def _starter_before_312(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, Any], Context], asyncio.Task[Any]]:
    steps: list[Callable[[], Any]] = []
    attributes = getattr(loop, "__dict__", None)

    def keep_step(step: Callable[[], Any], *args: Any, context: Context | None = None) -> None:
        steps.append(step)

    def start(coroutine: Coroutine[Any, Any, Any], context: Context) -> asyncio.Task[Any]:
        if attributes is None:
            return loop.create_task(coroutine, context=context)
        attributes["call_soon"] = keep_step
        try:
            task = asyncio.Task(coroutine, loop=loop, context=context)
        finally:
            del attributes["call_soon"]
        context.run(steps.pop())
        return task

    return start

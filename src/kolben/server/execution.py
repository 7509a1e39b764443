"""Where plans run when they do not run inline: a pool of threads, and threads for lazy bodies."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from kolben.server.crowd import FEWEST, LOOK, SWITCH_INTERVAL, Crowd, wait_for_interpreter
from kolben.server.threads import begin_thread

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from contextvars import Context

    from kolben.base.limits import Limits
    from kolben.server._connection import Connection
    from kolben.server._reactor import Reactor
    from kolben.server.streams import ThreadBody

__all__ = ["Executor"]

log = logging.getLogger("kolben.server")


def log_exception(text: str, *arguments: object) -> None:
    """Log it if there is the memory to say it: a thread is counted, and has to go on."""
    with contextlib.suppress(Exception):
        log.exception(text, *arguments)  # noqa: LOG004 - called where one is handled


class Executor:
    """Threads that run sync plans, started when they are needed, ended by `shutdown`.

    They are daemons: a view in an endless loop must not keep the process alive once the time for stopping is over.
    There are always as many threads as jobs that are not done, up to `limits.threads`: idle ones are not counted, because between
    taking a job and saying so a thread would be counted as idle.  With a `loop`, up to what `Crowd` allows.
    """

    def __init__(self, reactor: Reactor, limits: Limits, loop: AbstractEventLoop | None = None) -> None:
        self._reactor = reactor
        self._limits = limits
        self._loop = loop
        self._crowd = Crowd(limits.threads)
        self._is_looking = loop is None  # whether the crowd is looked at; never without a loop
        self._jobs: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0  # jobs of the pool, those that run included
        self._streams = 0  # threads outside the pool, each with a lazy body
        self._is_shut_down = False
        self._interval = sys.getswitchinterval()

    # -- called in the loop's thread

    def submit_request(self, connection: Connection) -> bool:
        """Run the plan of a connection's request; False if too many wait already."""
        if self._limits.queue and self._jobs.qsize() >= self._limits.queue:
            return False
        return self._put(connection.run_in_thread)

    @property
    def has_free_thread(self) -> bool:
        """Whether a job would not wait for another to end."""
        return self._unfinished < self._crowd.allowed

    def submit(self, function: Callable[[Any], Any], argument: Any, then: Callable[[Any], None]) -> None:
        """Call `function(argument)` in a thread and `then` in the loop's, with what it returned or raised."""
        # Not a closure: Python 3.11 forgets to release a function's arguments where there is no memory for its cells.
        if not self._put(partial(self._call, function, argument, then)):
            self._reactor.post(then, RuntimeError("no thread could be started"))

    def reserve_stream(self) -> bool:
        """Take one of `limits.stream_threads`, for `start_stream`; False if there is none."""
        with self._lock:
            free = not self._limits.stream_threads or self._streams < self._limits.stream_threads
            self._streams += free
        return free

    def start_stream(self, body: ThreadBody, context: Context) -> None:
        """Iterate over the lazy body of a response that was made inline or in a task, in the thread that was reserved."""
        try:
            begin_thread("kolben-stream", partial(self._stream, body, context))
        except (RuntimeError, MemoryError):
            body.cancel()
            try:
                log_exception("The system gives no thread for a lazy body")
                body.connection.stream_fail()
            finally:
                self._stream(body, context)  # closes the response, no more

    def _put(self, job: Callable[[], Any]) -> bool:
        with self._lock:
            self._unfinished += 1
        if not self._ensure_threads():
            with self._lock:
                self._unfinished -= 1
            return False
        try:
            self._jobs.put(job)
        except MemoryError:
            with self._lock:
                self._unfinished -= 1
            raise
        if self._unfinished > FEWEST and not self._is_looking:
            self._is_looking = True
            self._reactor.post_to_loop(self._look_later, None)
        return True

    def _look_later(self, _: object = None) -> None:
        """In the loop's thread."""
        if self._loop is not None and not self._is_shut_down:
            self._loop.call_later(LOOK, self._look)

    def _look(self) -> None:
        """In the loop: whether the threads stand in each other's way."""
        self._crowd.learn(wait_for_interpreter())
        while self._threads < min(self._unfinished, self._crowd.allowed) and self._ensure_threads():
            pass
        self._is_looking = self._unfinished > FEWEST or self._crowd.allowed < self._crowd.most
        if self._is_looking:
            self._look_later()

    def enlist(self) -> None:
        """Count the thread that is about to call `work` as one of the pool: a test's own thread, in which its views shall run."""
        with self._lock:
            self._threads += 1

    def shutdown(self) -> None:
        """Forget the jobs that wait, and let every thread end after its present one."""
        with contextlib.suppress(Empty):
            while True:
                self._jobs.get_nowait()
        with self._lock:
            self._is_shut_down = True
            threads = self._threads
        for _ in range(threads):
            self._jobs.put(None)
        sys.setswitchinterval(self._interval)

    # -- called in a thread of the pool

    def leave_pool(self) -> bool:
        """Let the present thread serve a lazy body, and another take its place; False if `limits.stream_threads` are out."""
        if not self.reserve_stream():
            return False
        with self._lock:
            self._threads -= 1
            self._unfinished -= 1
        self._ensure_threads()
        return True

    def return_to_pool(self) -> None:
        """Undo `leave_pool`, at the end of the body."""
        with self._lock:
            self._streams -= 1
            self._threads += 1
            self._unfinished += 1

    def _ensure_threads(self) -> bool:
        """Start a thread if fewer are there than jobs.  Returns whether there is any."""
        with self._lock:
            if self._is_shut_down:
                return False
            if self._threads >= min(self._unfinished, self._crowd.allowed):
                return True
            self._threads += 1
            number = self._threads
        if number == 1:
            sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            begin_thread(f"kolben-{number}", self.work)
        except (RuntimeError, MemoryError):
            with self._lock:
                self._threads -= 1
                some = self._threads > 0
            log_exception("The system gives no thread; %d are running", number - 1)
            return some
        return True

    def work(self) -> None:
        """Do one job after the other, until `shutdown`."""
        while (job := self._next_job()) is not None:
            try:
                job()
            except BaseException:
                log_exception("Error in the server, not in the application")
            del job  # a request must not live until the next one comes
            if self._is_surplus():
                return
        with self._lock:
            self._threads -= 1

    def _call(self, function: Callable[[Any], Any], argument: Any, then: Callable[[Any], None]) -> None:
        try:
            result = function(argument)
        except BaseException as error:
            result = error
        if not self._reactor.post(then, result):
            then(result)  # the server has closed: only to clean up

    def _next_job(self) -> Callable[[], Any] | None:
        while True:
            try:
                return self._jobs.get()
            except MemoryError:  # waiting takes some in itself; the thread is counted and has to go on
                time.sleep(0.01)

    def _is_surplus(self) -> bool:
        """After a job: whether the present thread is one too many: it came back from a lazy body, or there is a crowd."""
        with self._lock:
            self._unfinished -= 1
            surplus = self._is_shut_down or self._threads > self._crowd.allowed
            self._threads -= surplus
        return surplus

    def _stream(self, body: ThreadBody, context: Context) -> None:
        try:
            context.run(body.pump)
        except BaseException:
            log_exception("Error in the server, not in the application")
        finally:
            with self._lock:
                self._streams -= 1

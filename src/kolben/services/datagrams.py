"""A service over datagrams: UDP.  Each datagram is one call of the user's function; the bytes that it returns go back to who sent it.

An async function is called in a task, in a Context of its own.  A task that was never kept waiting by it, and in which it left nothing,
takes the next datagram, too; one that waits is that datagram's alone, and the next has another.  PERF: a task for each costs five times
what the datagram costs the kernel; bench/echo.py.

A sync one has one thread, which takes them in order; it may block, and those that come meanwhile wait.  `limits.queue` datagrams are
answered or wait at a time.  Beyond that they are dropped and counted, as a network drops them.

SECURITY: who sent a datagram is not proved.  An answer that is longer than its question makes this server a weapon against whoever the
sender pretends to be: keep answers short, or ask for a token first.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import suppress
from contextvars import Context
from inspect import iscoroutinefunction
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from kolben import net
from kolben.base._step import FirstStep
from kolben.net import aio
from kolben.net._waiter import Traces
from kolben.services.service import UNLIMITED, Base, log

if TYPE_CHECKING:
    from kolben.net.service import Host, Socket

__all__ = ["DatagramService"]

Waiting = tuple[Any, net.Datagram] | None  # a socket to answer by, and what came; None ends a thread
REST = 0.5  # seconds without receiving after the system failed to


class DatagramService(Base):
    """Calls a function with each datagram."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_async = iscoroutinefunction(self.function)
        self._receivers: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # those that wait for the user's function
        self._open: list[aio.DatagramSocket] = []
        self._waiting: SimpleQueue[Waiting] = SimpleQueue()
        self._counting = threading.Lock()  # between a thread and the loop's
        self._receives = False

    def start(self, host: Host) -> None:
        """Begin to receive."""
        super().start(host)
        self._most = host.limits.queue or UNLIMITED
        self._receives = True
        for each in self.sockets:
            twin = None if self.is_async else net.DatagramSocket(duplicate(each))
            self._receivers.add(host.loop.create_task(self._begin(each, twin), name=f"{self.name} receives"))
            if twin is not None:
                self._start_thread(twin)

    def drain(self) -> None:
        """Receive no more; what came is answered."""
        self._receives = False
        current = asyncio.current_task(self._host.loop)  # of a function that stops its own server: it is let finish
        for task in self._receivers:
            if task is not current:
                task.cancel()
            if not self.is_async:
                self._waiting.put(None)
        self._receivers = set()
        self._close_sockets()
        self._close_when_idle()

    def abort(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()
        if not self.is_async:
            self.counters.active = 0  # a thread that never ends is waited for no longer
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if not self._receives and self.counters.active <= 0:
            for sock in self._open:
                sock.close()
            self._open = []

    async def _begin(self, bound: Socket, twin: net.DatagramSocket | None) -> None:
        sock = aio.DatagramSocket(duplicate(bound))
        self._open.append(sock)
        if twin is None:
            self._receivers.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            self._start_receiver(sock)
        else:
            await self._receive(sock, twin)

    async def _rest(self, error: OSError) -> None:
        log.warning("%s receives nothing for %g s: %s", self.name, REST, error)
        await asyncio.sleep(REST)

    def _has_room(self) -> bool:
        """Count a datagram that came, and tell whether it will be answered."""
        self.counters.accepted += 1
        if self.counters.active < self._most:
            return True
        self.counters.refused += 1
        return False

    # -- an async function

    def _start_receiver(self, sock: aio.DatagramSocket) -> None:
        context = Context()
        self._receivers.add(aio.create_task(self._answer_each(sock, context), name=self.name, context=context))

    async def _answer_each(self, sock: aio.DatagramSocket, context: Context) -> None:
        """Answer one datagram after the other, until one of them keeps this task for itself."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        traces, counters, function, contexts = Traces(task, context), self.counters, self.function, self._context
        try:
            while task in self._receivers:
                try:
                    datagram = await sock.recv_from()
                except OSError as error:
                    await self._rest(error)
                    continue
                if not self._has_room():
                    continue
                counters.active += 1
                traces.note()
                try:
                    with contexts():
                        step = FirstStep(function(datagram))
                        reply = step.value if step.returned else await self._keep(task, sock, step)
                    if reply is not None:
                        step = FirstStep(sock.send_back(reply, datagram))
                        if not step.returned:
                            await self._keep(task, sock, step)
                except Exception as error:
                    self._report(error, datagram.address)
                finally:
                    counters.active -= 1
                if traces.are_left():
                    break
        finally:
            self._tasks.discard(task)
            self._hand_over(task, sock)
            self._close_when_idle()

    async def _keep(self, task: asyncio.Task[None], sock: aio.DatagramSocket, step: FirstStep) -> Any:
        """Wait with a task that is its datagram's from now on."""
        self._tasks.add(task)
        self._hand_over(task, sock)
        return await step

    def _hand_over(self, task: asyncio.Task[None], sock: aio.DatagramSocket) -> None:
        """Let another task receive, if this one did."""
        if task in self._receivers:
            self._receivers.remove(task)
            self._start_receiver(sock)

    # -- a plain function

    async def _receive(self, sock: aio.DatagramSocket, twin: net.DatagramSocket) -> None:
        while True:
            try:
                datagram = await sock.recv_from()
            except OSError as error:
                await self._rest(error)
                continue
            if self._has_room():
                with self._counting:
                    self.counters.active += 1
                self._waiting.put((twin, datagram))

    def _start_thread(self, twin: net.DatagramSocket) -> None:
        threading.Thread(target=self._run_thread, args=(twin, self._waiting), name=f"kolben-{self.name}", daemon=True).start()

    def _run_thread(self, twin: net.DatagramSocket, waiting: SimpleQueue[Waiting]) -> None:
        with twin:
            while (item := waiting.get()) is not None:
                Context().run(self._answer_in_thread, *item)
                with self._counting:
                    self.counters.active -= 1
                if not self._receives:
                    with suppress(RuntimeError):  # the server has closed
                        self._host.loop.call_soon_threadsafe(self._close_when_idle)

    def _answer_in_thread(self, sock: net.DatagramSocket, datagram: net.Datagram) -> None:
        try:
            with self._context():
                reply = self.function(datagram)
            if reply is not None:
                sock.send_to(reply, datagram.address)
        except BaseException as error:
            self._report(error, datagram.address)


def duplicate(bound: Socket) -> socket.socket:
    """Make another socket object of the same socket: each form owns one."""
    return socket.socket(fileno=os.dup(bound.fileno()))

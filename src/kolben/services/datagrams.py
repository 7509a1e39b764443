"""A service over datagrams: UDP.  Each datagram is one call of the user's function; the bytes that it returns go back to who sent it.

An async function is called in a task, in a Context of its own.  A task that was never kept waiting by it, and in which it left nothing,
takes the next datagram, too; one that waits is that datagram's alone, and the next has another.  A sync one has one thread, which takes
them in order; it may block, and those that come meanwhile wait.  What is done with each datagram is in _receiver.

`limits.queue` datagrams are answered or wait at a time.  Beyond that they are dropped and counted, as a network drops them.

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

from kolben.net import aio
from kolben.services._receiver import Receiver
from kolben.services.service import UNLIMITED, Base, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben import net
    from kolben.base._step import FirstStep
    from kolben.net.service import Host, Socket

__all__ = ["DatagramService"]

Waiting = SimpleQueue["list[net.Datagram] | None"]
REST = 0.5  # seconds without receiving after the system failed to


class DatagramService(Base):
    """Calls a function with each datagram.

    Args:
        timeout: Seconds that an async function may wait in all; None: for ever.
        arguments: The others are Base's.
        options: The same.
    """

    ANSWERS = "Return the answer, as bytes"

    def __init__(self, *arguments: Any, timeout: float | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.timeout = timeout
        self.is_async = iscoroutinefunction(self.function)
        self.receivers: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # those that wait for the user's function
        self._open: list[aio.DatagramSocket] = []
        self._waiting: list[Waiting] = []  # what came, for each socket's thread; None ends it
        self._receives = False

    def start(self, host: Host) -> None:
        """Begin to receive."""
        super().start(host)
        self._most = host.limits.queue or UNLIMITED
        self._receives = True
        for each in self.sockets:
            self.receivers.add(host.loop.create_task(self._begin(each), name=f"{self.name} receives"))

    def drain(self) -> None:
        """Receive no more; what came is answered."""
        self._receives = False
        current = asyncio.current_task(self._host.loop)  # of a function that stops its own server: it is let finish
        for task in self.receivers:
            if task is not current:
                task.cancel()
        for waiting in self._waiting:
            waiting.put(None)
        self._waiting = []
        self.receivers.clear()
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

    async def _begin(self, bound: Socket) -> None:
        sock = aio.DatagramSocket(duplicate(bound))
        self._open.append(sock)
        if self.is_async:
            self.receivers.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            self._start_receiver(sock)
        else:
            receiver = Receiver(self, sock, None, self.counters, self._most)
            await receiver.gather(self._start_thread(receiver).put)

    async def rest(self, error: OSError) -> None:
        """Receive nothing for a while: the system has failed to."""
        log.warning("%s receives nothing for %g s: %s", self.name, REST, error)
        await asyncio.sleep(REST)

    # -- an async function

    def _start_receiver(self, sock: aio.DatagramSocket) -> None:
        context = Context()
        receiver = Receiver(self, sock, context, self.counters, self._most)
        self.receivers.add(aio.create_task(receiver.run(), name=self.name, context=context))

    async def keep(self, task: asyncio.Task[None], sock: aio.DatagramSocket, step: FirstStep) -> Any:
        """Wait with a task that is its datagram's from now on."""
        self._tasks.add(task)
        self._hand_over(task, sock)
        try:
            async with asyncio.timeout(self.timeout) as limit:
                return await step
        except TimeoutError:
            if limit.expired():
                log.warning("%s gave no answer within %g s", self.name, self.timeout)
            raise

    def send_later(self, sock: aio.DatagramSocket, left: list[tuple[bytes, net.Datagram]]) -> None:
        """Send replies that the system would not take now."""
        self.counters.change(len(left))
        if self.is_async:
            self._send_in_task(sock, left)
        else:
            self._in_loop(self._send_in_task, sock, left)

    def _send_in_task(self, sock: aio.DatagramSocket, left: list[tuple[bytes, net.Datagram]]) -> None:
        task = self._host.loop.create_task(self._send_each(sock, left), name=f"{self.name} sends", context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_each(self, sock: aio.DatagramSocket, left: list[tuple[bytes, net.Datagram]]) -> None:
        unsent = len(left)
        try:
            for reply, datagram in left:
                try:
                    await sock.send_back(reply, datagram)
                except Exception as error:
                    self.report(error, datagram.address)
                self.counters.change(-1)
                unsent -= 1
        finally:
            self.counters.change(-unsent)
            self._close_when_idle()

    def on_end(self, task: asyncio.Task[None], sock: aio.DatagramSocket) -> None:
        """Go on without this task."""
        self._tasks.discard(task)
        self._hand_over(task, sock)
        self._close_when_idle()

    def _hand_over(self, task: asyncio.Task[None], sock: aio.DatagramSocket) -> None:
        """Let another task receive, if this one did."""
        if task in self.receivers:
            self.receivers.remove(task)
            self._start_receiver(sock)

    # -- a plain function

    def _start_thread(self, receiver: Receiver) -> Waiting:
        waiting: Waiting = SimpleQueue()
        self._waiting.append(waiting)
        threading.Thread(target=self._run_thread, args=(receiver, waiting), name=f"kolben-{self.name}", daemon=True).start()
        return waiting

    def _run_thread(self, receiver: Receiver, waiting: Waiting) -> None:
        while (came := waiting.get()) is not None:
            receiver.answer(came, self._call)
            if not self._receives:
                self._in_loop(self._close_when_idle)

    def _call(self, datagram: net.Datagram) -> bytes | None:
        with self.contexts():
            reply: bytes | None = self.function(datagram)
        return reply

    def _in_loop(self, function: Callable[..., object], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the server has closed
            self._host.loop.call_soon_threadsafe(function, *arguments)


def duplicate(bound: Socket) -> socket.socket:
    """Make another socket object of the same socket: each form owns one."""
    return socket.socket(fileno=os.dup(bound.fileno()))

"""A service over datagrams: UDP.  Each datagram is one call of the user's function; the bytes that it returns go back to who sent it.

An async function is a task for each datagram.  A sync one has one thread, which takes them in order; it may block, and those that come
meanwhile wait, `limits.queue` of them.  Beyond that, datagrams are dropped and counted, as a network drops them.

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
from typing import TYPE_CHECKING, Any

from kolben import net
from kolben.net import aio
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
        self._receivers: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: list[aio.DatagramSocket] = []
        self._waiting: SimpleQueue[Waiting] = SimpleQueue()

    def start(self, host: Host) -> None:
        """Begin to receive."""
        super().start(host)
        self._most = host.limits.queue or UNLIMITED
        for each in self.sockets:
            twin = None if self.is_async else net.DatagramSocket(duplicate(each))
            self._receivers.append(host.loop.create_task(self._receive(each, twin), name=f"{self.name} receives"))
            if twin is not None:
                self._start_thread(twin)

    def drain(self) -> None:
        """Receive no more; what came is answered."""
        for task in self._receivers:
            task.cancel()
            if not self.is_async:
                self._waiting.put(None)
        self._receivers = []
        self._close_sockets()
        self._close_when_idle()

    def abort(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()
        self.counters.active = 0
        self._close_when_idle()

    # -- in the loop's thread

    async def _receive(self, bound: Socket, twin: net.DatagramSocket | None) -> None:
        sock = aio.DatagramSocket(duplicate(bound))
        self._open.append(sock)
        while True:
            try:
                datagram = await sock.recv_from()
            except OSError as error:
                log.warning("%s receives nothing for %g s: %s", self.name, REST, error)
                await asyncio.sleep(REST)
            else:
                self._welcome(twin or sock, datagram)

    def _close_when_idle(self) -> None:
        if not self._receivers and self.counters.active <= 0:
            for sock in self._open:
                sock.close()
            self._open = []

    def _welcome(self, sock: Any, datagram: net.Datagram) -> None:
        self.counters.accepted += 1
        if self.counters.active >= self._most:
            self.counters.refused += 1
            return
        self.counters.active += 1
        if not self.is_async:
            self._waiting.put((sock, datagram))
            return
        task = self._host.loop.create_task(self._answer(sock, datagram), name=self.name, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_answered()

    def _on_answered(self) -> None:
        self.counters.active -= 1
        self._close_when_idle()

    # -- one datagram

    async def _answer(self, sock: aio.DatagramSocket, datagram: net.Datagram) -> None:
        try:
            with self._context():
                reply = await self.function(datagram)
            if reply is not None:
                await sock.send_to(reply, datagram.address)
        except Exception as error:
            self._report(error, datagram.address)

    def _start_thread(self, twin: net.DatagramSocket) -> None:
        threading.Thread(target=self._run_thread, args=(twin, self._waiting), name=f"kolben-{self.name}", daemon=True).start()

    def _run_thread(self, twin: net.DatagramSocket, waiting: SimpleQueue[Waiting]) -> None:
        with twin:
            while (item := waiting.get()) is not None:
                Context().run(self._answer_in_thread, *item)
                with suppress(RuntimeError):  # the server has closed
                    self._host.loop.call_soon_threadsafe(self._on_answered)

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

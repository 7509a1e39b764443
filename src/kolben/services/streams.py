"""A service over connections: TCP, Unix and TLS.  Each connection is one call of the user's function, in a context of its own.

An async function is a task of the server's loop.  A sync one gets a thread for the life of its connection and may block; threads are
counted against `limits.connection_threads`, and who does not get one waits in the kernel's queue, as beyond `limits.connections`.

When the function has returned, the connection is closed in order; when it raised, it is reset, so that the peer takes nothing that was
cut off for something whole.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import struct
import termios
import threading
import time
from collections import Counter
from contextlib import suppress
from contextvars import Context
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from kolben import net
from kolben.net import aio
from kolben.net._walker import led
from kolben.services.service import UNLIMITED, Base

if TYPE_CHECKING:
    import ssl

    from kolben.net.service import Host

__all__ = ["StreamService"]

log = logging.getLogger("kolben.services")
TO_END = 1.0  # seconds that threads have, once their streams are at an end
REST = 0.5  # seconds without accepting after the system ran out of something
HANDSHAKE = 10.0  # seconds for TLS
UNCOUNTED = frozenset({"127.0.0.1", "::1", ""})  # the machine itself may have more than `limits.connections_per_address`


class StreamService(Base):
    """Calls a function with each connection's stream.

    Args:
        tls: What makes it TLS.
        timeout: Seconds that each call of the stream waits at most; None: for ever.
        connections: Open ones in each process; more wait in the kernel's queue.  0: as many as `limits.connections`.
        arguments: The others are Base's.
        options: The same.
    """

    ANSWERS = "Say it with stream.send()"

    def __init__(
        self, *arguments: Any, tls: ssl.SSLContext | None = None, timeout: float | None = None, connections: int = 0, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.is_async = iscoroutinefunction(self.function)
        self.timeout = timeout
        self._limit = connections
        self._tls = tls
        self._acceptors: list[asyncio.Task[None]] = []
        self._listeners: list[aio.Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: dict[net.Stream, threading.Thread] = {}
        self._has_dropped = False
        self._from: Counter[str] = Counter()  # connections of each peer

    def start(self, host: Host) -> None:
        """Begin to accept."""
        super().start(host)
        self._places = asyncio.Semaphore(self._limit or host.limits.connections or UNLIMITED)
        self._acceptors = [host.loop.create_task(self._accept(each), name=f"{self.name} accepts") for each in self.sockets]

    def drain(self) -> None:
        """Accept no more; connections go on."""
        for task in self._acceptors:
            task.cancel()
        for listener in self._listeners:
            listener.close()
        self._acceptors, self._listeners = [], []
        self._close_sockets()

    def abort(self) -> None:
        """End every connection: tasks are cancelled, a thread's next call of its stream fails or finds the end."""
        for task in self._tasks:
            task.cancel()
        threads = dict(self._threads)
        for stream in threads:
            shut(stream)
        deadline = time.monotonic() + TO_END
        for thread in threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- accepting, in the loop's thread

    async def _accept(self, listening: Any) -> None:
        listener = aio.Listener(listening)
        self._listeners.append(listener)
        while True:
            await self._places.acquire()
            if not self.is_async:
                await self._crew.places.acquire()
            try:
                self._welcome(await listener.accept())
            except OSError as error:  # no descriptors, no memory: who waits is served when there are some again
                self._release()
                log.warning("%s accepts nothing for %g s: %s", self.name, REST, error)
                await asyncio.sleep(REST)
            except asyncio.CancelledError:
                self._release()
                raise

    def _welcome(self, stream: aio.Stream) -> None:
        host = getattr(stream.peer_address, "host", "")
        most = self._host.limits.connections_per_address
        if most and self._from[host] >= most and host not in UNCOUNTED:
            self.counters.refused += 1
            log.warning("%s refuses %s: it has %d connections already", self.name, host, most)
            stream.abort()
            self._release()
            return
        self.counters.accepted += 1
        self.counters.active += 1
        self._from[host] += 1
        stream.timeout = self.timeout
        if self.is_async:
            task = aio.create_task(self._converse(stream), name=self.name, context=Context())
            self._tasks.add(task)
            task.add_done_callback(partial(self._on_done, host))
        else:
            self._start_thread(stream, host)

    def _on_done(self, host: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_end(host)

    def _on_end(self, host: str) -> None:
        self.counters.active -= 1
        self._from[host] -= 1
        if not self._from[host]:
            del self._from[host]
        self._release()

    def _release(self) -> None:
        self._places.release()
        if not self.is_async:
            self._crew.places.release()

    def _drop(self, returned: object) -> None:
        """See that nothing was returned: unlike a view's, it goes nowhere."""
        if returned is not None and not self._has_dropped:
            self._has_dropped = True
            log.warning("%s returned %s, which goes nowhere. %s", self.name, type(returned).__name__, self.ANSWERS)

    # -- one connection, as a task

    async def _converse(self, stream: aio.Stream) -> None:
        try:
            if self._tls:
                await stream.start_tls(self._tls, server_side=True, timeout=HANDSHAKE)
            with self.contexts():
                self._drop(await led(self.function(stream)))
        except asyncio.CancelledError:
            stream.abort()
            raise
        except BaseException as error:
            if not self.report(error, stream.peer_address):
                stream.abort()
        await self._linger(stream)

    async def _linger(self, stream: aio.Stream) -> None:
        """Close in order: a peer that has sent what nobody read would be reset, and lose what was sent to it."""
        with suppress(OSError):
            if not stream.is_closed and not self._tls and has_unread(stream.fileno()):
                stream.send_eof()
                async with asyncio.timeout(self._host.timeouts.lingering):
                    left = self._host.limits.lingering
                    while left > 0 and (data := await stream.recv()):
                        left -= len(data)
        stream.close()

    # -- one connection, in a thread of its own

    def _start_thread(self, accepted: aio.Stream, host: str) -> None:
        stream = net.Stream(socket.socket(fileno=accepted.detach()))
        stream.timeout = self.timeout
        thread = threading.Thread(target=self._run_thread, args=(stream, host), name=f"kolben-{self.name}", daemon=True)
        self._threads[stream] = thread
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            log.exception("The system gives no thread for service %s", self.name)
            stream.abort()
            self._on_thread_end(stream, host)

    def _run_thread(self, stream: net.Stream, host: str) -> None:
        try:
            Context().run(self._converse_in_thread, stream)
        finally:
            with suppress(RuntimeError):  # the server has closed
                self._host.loop.call_soon_threadsafe(self._on_thread_end, stream, host)

    def _on_thread_end(self, stream: net.Stream, host: str) -> None:
        self._threads.pop(stream, None)
        self._on_end(host)

    def _converse_in_thread(self, stream: net.Stream) -> None:
        try:
            if self._tls:
                stream.start_tls(self._tls, server_side=True, timeout=HANDSHAKE)
            with self.contexts():
                self._drop(self.function(stream))
        except BaseException as error:
            if not self.report(error, stream.peer_address):
                stream.abort()
        self._linger_in_thread(stream)

    def _linger_in_thread(self, stream: net.Stream) -> None:
        with suppress(OSError):
            if not stream.is_closed and not self._tls and has_unread(stream.fileno()):
                stream.send_eof()
                left, deadline = self._host.limits.lingering, time.monotonic() + self._host.timeouts.lingering
                while left > 0 and (wait := deadline - time.monotonic()) > 0:
                    data = stream.recv(timeout=wait)
                    left = left - len(data) if data else 0
        stream.close()


def has_unread(fd: int) -> bool:
    """Whether the peer has sent what nobody has received."""
    count: int = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0]
    return count > 0


def shut(stream: net.Stream) -> None:
    """Let a thread that waits on a stream see its end; to close it is that thread's."""
    with suppress(OSError), socket.socket(fileno=os.dup(stream.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)

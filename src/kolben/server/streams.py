"""Lazy response bodies on their way to a peer, pulled only while the peer reads.

A sync iterable is iterated over in a thread, an async one in a task.  Both stop pulling while more than `limits.output` bytes wait
to be sent, close what they iterate over where they iterated, and leave an answer that breaks off looking broken.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected

from kolben.base._alive import change

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from werkzeug.wrappers import Response

    from kolben.server._connection import Connection

__all__ = ["AsyncBody", "ThreadBody"]

log = logging.getLogger("kolben.server")


def encoded(chunk: Any) -> bytes:
    """One piece of a body as bytes; str as UTF-8."""
    if isinstance(chunk, str):
        return chunk.encode()
    return chunk if isinstance(chunk, bytes) else bytes(chunk)


def close(response: Response) -> None:
    """Run what was asked for with `call_on_close`."""
    try:
        response.close()
    except BaseException:
        log.exception("Error while closing a response")


async def close_iterable(iterable: AsyncIterable[Any]) -> None:
    """Let an async generator run what stands in its `finally`."""
    aclose = getattr(iterable, "aclose", None)
    if aclose is not None:
        try:
            await aclose()
        except asyncio.CancelledError:
            log.debug("Cancelled while closing the body of a response")
        except BaseException:
            log.exception("Error while closing the body of a response")


class Signal:
    """What one thread tells another that waits: as threading.Event, but `wait` takes it away, and no lack of memory can break it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.wait = self._lock.acquire

    def set(self) -> None:
        """Let `wait` return, now or when it is called.  In one thread only."""
        if self._lock.locked():
            self._lock.release()

    def clear(self) -> None:
        """Forget a `set` that was not waited for."""
        self._lock.acquire(False)


class ThreadBody:
    """A sync iterable, pulled in a thread by `pump`.

    The loop's thread calls `start`, `resume` and `cancel`; each piece is posted to it, and the thread waits while the
    connection wants no more.
    """

    def __init__(self, connection: Connection, response: Response) -> None:
        self.connection = connection
        self.response = response
        self._iterable: Iterable[Any] | None = None
        self._started = Signal()
        self._room = Signal()
        self._cancelled = False

    # -- in the loop's thread

    def start(self, iterable: Iterable[Any] | None) -> None:
        """Let the thread begin; None: there is nothing to send, it only closes the response."""
        self._iterable = iterable
        self._started.set()

    def resume(self) -> None:
        """The connection wants more."""
        self._room.set()

    def cancel(self) -> None:
        """The peer is gone."""
        self._cancelled = True
        self._started.set()
        self._room.set()

    def write(self, data: bytes) -> None:
        """Send a piece, and let the thread go on if there is room for another."""
        if not self.connection.stream_write(data):
            self._cancelled = True
        if self._cancelled or self.connection.wants_more:
            self._room.set()

    def end(self, whole: bool) -> None:
        """Finish the answer, or break it off."""
        if whole:
            self.connection.stream_end()
        else:
            self.connection.stream_fail()

    # -- in the thread that iterates

    def pump(self) -> None:
        """Iterate, post, wait for room, close.  Runs in the request's context."""
        self._started.wait()
        whole = False
        try:
            if self._iterable is not None:
                whole = self._send_all(self._iterable)
        finally:
            if self._iterable is not None:
                self.connection.post(self.end, whole)
            close(self.response)

    def _send_all(self, iterable: Iterable[Any]) -> bool:
        """Return whether the body did not break off."""
        post = self.connection.post
        try:
            for chunk in iterable:
                self._room.clear()
                if self._cancelled or not post(self.write, encoded(chunk)):
                    break
                if not self._wait_for_room():
                    break
        except ClientDisconnected:  # of the request's body, which is sent back
            log.debug("The client has left within the body of its request, which the response reads")
            return False
        except BaseException:  # SystemExit as well: what is cut must never look whole
            log.exception("Error in the body of a response, after its head was sent: the connection is cut")
            return False
        return True

    def _wait_for_room(self) -> bool:
        """Return whether there is any, and will be."""
        self._room.wait()
        return not self._cancelled


class AsyncBody:
    """An async iterable, pulled by a task that awaits `pump`."""

    def __init__(self, connection: Connection, response: Response) -> None:
        self.connection = connection
        self.response = response
        self.task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._is_writing = False

    def resume(self) -> None:
        """The connection wants more."""
        self.connection.call_in_loop(self._resume, None)

    def _resume(self, _: None) -> None:
        self._room.set()

    def start(self, iterable: None) -> None:
        """Nothing to send after all."""

    def cancel(self) -> None:
        """The peer is gone."""
        if not self._is_writing:  # who writes is told by what the write returns
            self.connection.call_in_loop(self._cancel, None)

    def _cancel(self, _: None) -> None:
        if self.task is not None:
            self.task.cancel()
        self._room.set()

    async def pump(self, iterable: AsyncIterable[Any]) -> None:
        """Iterate, send, wait for room, close."""
        change("tasks", 1)
        try:
            await self._send_all(iterable)
            self.connection.stream_end()
        except (asyncio.CancelledError, ClientDisconnected):
            self.connection.stream_fail()
        except BaseException:
            self.connection.stream_fail()
            log.exception("Error in the body of a response, after its head was sent: the connection is cut")
        finally:
            try:
                await self._close(iterable)
            finally:  # whatever fails in closing
                change("tasks", -1)

    async def _close(self, iterable: AsyncIterable[Any]) -> None:
        try:
            await close_iterable(iterable)
        finally:
            close(self.response)

    def _write(self, data: bytes) -> bool:
        self._is_writing = True
        try:
            return self.connection.stream_write(data)
        finally:
            self._is_writing = False

    async def _send_all(self, iterable: AsyncIterable[Any]) -> None:
        async for chunk in iterable:
            if not self._write(encoded(chunk)):
                break
            while self.connection.is_open and not self.connection.wants_more:
                self._room.clear()
                await self._room.wait()

"""Lazy response bodies on their way to a peer, pulled only while the peer reads.

A sync iterable is iterated over in a thread, an async one in a task.  Both stop pulling while more than `limits.output` bytes wait
to be sent, close what they iterate over where they iterated, and leave an answer that breaks off looking broken.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

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


class ThreadBody:
    """A sync iterable, pulled in a thread by `pump`.

    The loop's thread calls `start`, `resume` and `cancel`; each piece is posted to it, and the thread waits while the
    connection wants no more.
    """

    def __init__(self, connection: Connection, response: Response) -> None:
        self.connection = connection
        self.response = response
        self._iterable: Iterable[Any] | None = None
        self._started = threading.Event()
        self._room = threading.Event()
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
        self._room.set()
        self._started.set()

    def write(self, data: bytes) -> None:
        """Send a piece, and let the thread go on if there is room for another."""
        self.connection.stream_write(data)
        if self.connection.wants_more:
            self._room.set()

    def end(self, failed: bool) -> None:  # noqa: FBT001 - posted with one argument
        """Finish the answer, or break it off."""
        if failed:
            self.connection.stream_fail()
        else:
            self.connection.stream_end()

    # -- in the thread that iterates

    def pump(self) -> None:
        """Iterate, post, wait for room, close.  Runs in the request's context."""
        self._started.wait()
        post = self.connection.post
        failed = False
        sending = self._iterable is not None
        try:
            if self._iterable is not None:
                self._send_all(self._iterable)
        except Exception:
            failed = True
            log.exception("Error in the body of a response, after its head was sent: the connection is cut")
        finally:
            if sending:
                post(self.end, failed)
            self._close()

    def _send_all(self, iterable: Iterable[Any]) -> None:
        post = self.connection.post
        for chunk in iterable:
            if self._cancelled:
                return
            self._room.clear()
            post(self.write, encoded(chunk))
            self._room.wait()

    def _close(self) -> None:
        try:
            self.response.close()
        except Exception:
            log.exception("Error while closing a response")


class AsyncBody:
    """An async iterable, pulled by a task that awaits `pump`."""

    def __init__(self, connection: Connection, response: Response) -> None:
        self.connection = connection
        self.response = response
        self.task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    def resume(self) -> None:
        """The connection wants more."""
        self._room.set()

    def start(self, iterable: None) -> None:
        """Nothing to send after all."""

    def cancel(self) -> None:
        """The peer is gone."""
        if self.task is not None:
            self.task.cancel()
        self._room.set()

    async def pump(self, iterable: AsyncIterable[Any]) -> None:
        """Iterate, send, wait for room, close."""
        try:
            async for chunk in iterable:
                if not self.connection.is_open:
                    break
                self.connection.stream_write(encoded(chunk))
                while self.connection.is_open and not self.connection.wants_more:
                    self._room.clear()
                    await self._room.wait()
        except Exception:
            log.exception("Error in the body of a response, after its head was sent: the connection is cut")
            self.connection.stream_fail()
        except BaseException:
            self.connection.stream_fail()
            raise
        else:
            self.connection.stream_end()
        finally:
            aclose = getattr(iterable, "aclose", None)
            if aclose is not None:
                await aclose()
            self.response.close()

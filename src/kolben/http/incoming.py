"""Request bodies as files that a thread reads and a task awaits: still to come, in memory, or in a temporary file.

A body that is still to come is for views that begin at the head: who receives the message feeds it from one thread; who answers the
request reads it, from a thread or from a task.  Knows no socket.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable
    from typing import IO, Any, NoReturn

__all__ = ["NO_BODY", "BlockingBody", "BodyFile", "IncomingBody", "WholeBody"]

PIECE_COST = 64  # bytes that an object costs beside its data: pieces are bounded as well as bytes
PEEKED = 512  # bytes that readline() looks through at once
AT_ONCE = 64 * 1024  # bytes of one piece of what is here already


class IncomingBody(io.BufferedIOBase):
    """The body of a request whose view began before the body was here: a file that is read once.

    A thread reads with `read` and its kind, which wait; a task with `await aread()` or `async for`.  One reader at a time.

    Reading raises what the body ended with if it did not end well: an HTTP error that says what is wrong with it, or Werkzeug's
    ClientDisconnected.  RequestEntityTooLarge: more came than `limit`.

    Attributes:
        limit: Bytes that may be read; None: any number.
    """

    def __init__(self, capacity: int, wanted: Callable[[IncomingBody], object]) -> None:
        """Begin empty, in the thread that feeds.

        Args:
            capacity: Bytes to hold before `feed` says that it is full; 0: no bound.
            wanted: Called when reading begins, and when there is room again; in the reader's thread.
        """
        self.limit: int | None = None
        self._capacity = capacity
        self._wanted: Callable[[IncomingBody], object] | None = wanted
        self._feeder = threading.get_ident()
        # Two locks instead of a Condition, which a lack of memory can leave locked.
        self._changed = threading.Lock()
        self._news = threading.Lock()  # taken: nothing has come since it was
        self._news.acquire()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._pieces: deque[bytes] = deque()
        self._offset = 0  # into the first piece
        self._held = 0  # what the pieces cost
        self._received = 0  # bytes
        self._is_full = False
        self._has_begun = False
        self._is_whole = False
        self._error: Exception | type[Exception] | None = None

    # -- for who receives the message

    def feed(self, data: bytes) -> bool:
        """Take a piece; False: no more until `wanted` is called."""
        with self._changed:
            self._pieces.append(data)
            self._held += len(data) + PIECE_COST
            self._received += len(data)
            self._is_full = 0 < self._capacity < self._held
            self._wake()
            return not self._is_full

    def end(self) -> None:
        """All has come."""
        with self._changed:
            self._is_whole = True
            self._wanted = None
            self._wake()

    def fail(self, error: Exception | type[Exception]) -> None:
        """No more will come: reading raises `error` behind what has.  A class needs no memory here."""
        with self._changed:
            self._error = error
            self._wanted = None
            self._wake()

    def _wake(self) -> None:
        if self._news.locked():
            self._news.release()
        tries = 100
        while self._waiting:
            try:
                with contextlib.suppress(RuntimeError):  # that loop was closed
                    loop, future = self._waiting[-1]
                    loop.call_soon_threadsafe(_finish, future)
            except MemoryError:  # who waits must not do so for ever
                tries -= 1
                if tries:
                    time.sleep(0.01)
                    continue
            self._waiting.pop()

    # -- for who answers the request

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Wait for so many bytes, or for all of them."""
        left = -1 if size is None else size
        pieces = []
        with self._changed:
            while left and (piece := self._next(left)):
                pieces.append(piece)
                left -= len(piece) if left > 0 else 0
        return b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """Wait until something is here; up to so many bytes of it."""
        with self._changed:
            return self._next(size) if size else b""

    def peek(self, size: int = 0, /) -> bytes:
        """Wait until something is here, and look at some of it.  With this, `readline` is quick."""
        with self._changed:
            self._wait()
            return self._pieces[0][self._offset : self._offset + PEEKED] if self._pieces else b""

    async def aread(self, size: int = -1) -> bytes:
        """As `read`, in a task: the loop serves others meanwhile."""
        pieces = []
        while size:
            with self._changed:
                future = None if self._is_ready() else self._promise()
                piece = b"" if future else self._take(size)
            if future:
                await future
            elif piece:
                pieces.append(piece)
                size -= len(piece) if size > 0 else 0
            else:
                break
        return b"".join(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield pieces as they come."""
        while piece := await self.aread_some():
            yield piece

    async def aread_some(self) -> bytes:
        """As `read1`, in a task: what is here, once something is."""
        while True:
            with self._changed:
                if self._is_ready():
                    return self._take(-1)
                future = self._promise()
            await future

    # -- with the lock held

    def _next(self, size: int) -> bytes:
        self._wait()
        return self._take(size)

    def _wait(self) -> None:
        while not self._is_ready():
            if threading.get_ident() == self._feeder:
                raise RuntimeError(
                    "request.stream: the body is not here yet, and waiting for it in an async view would stop the loop:"
                    " write `await request.stream.aread()` or `async for piece in request.stream`, or leave out stream=True",
                )
            self._news.acquire(False)
            self._changed.release()
            try:
                self._news.acquire()
            finally:
                self._changed.acquire()

    def _promise(self) -> asyncio.Future[None]:
        from asyncio import get_running_loop  # where no task reads, nobody may need it

        loop = get_running_loop()
        future = loop.create_future()
        self._waiting.append((loop, future))
        return future

    def _is_ready(self) -> bool:
        """Whether reading need not wait; raises what is wrong with the body."""
        if self.limit is not None and self._received > self.limit:
            raise RequestEntityTooLarge
        if not self._has_begun:
            self._has_begun = True
            self._call_wanted()
        if self._pieces or self._is_whole:
            return True
        if self._error is not None:
            raise self._error
        return False

    def _take(self, size: int) -> bytes:
        """Take up to `size` bytes, -1 for any number, out of the first piece; b"" at the end."""
        if not self._pieces:
            return b""
        first = self._pieces[0]
        end = len(first) if size < 0 else min(self._offset + size, len(first))
        piece = first[self._offset : end]
        self._offset = end
        self._held -= len(piece)
        if end == len(first):
            self._pieces.popleft()
            self._offset = 0
            self._held -= PIECE_COST
        if self._is_full and self._held <= self._capacity // 2:
            self._is_full = False
            self._call_wanted()
        return piece

    def _call_wanted(self) -> None:
        if self._wanted is not None:
            self._wanted(self)


class WholeBody(io.BytesIO):
    """A body that is here, in memory."""

    __slots__ = ()

    async def aread(self, size: int = -1) -> bytes:
        """As `read`: a view need not know which kind of body it has."""
        return self.read(size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it in pieces."""
        while piece := self.read(AT_ONCE):
            yield piece


class NoBody(io.BufferedIOBase):
    """The body of a message that has none: one for all of them, so nothing that is done to it is seen in the next."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name}: expected to be set on a request, not on its empty body")

    def close(self) -> None:
        """Stay open for the next request."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Stay at the start, which is the end."""
        return 0

    def read(self, size: int | None = -1, /) -> bytes:
        return b""

    def read1(self, size: int = -1, /) -> bytes:
        return b""

    async def aread(self, size: int = -1) -> bytes:
        """As `read`."""
        return b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield nothing."""
        while piece := self.read():
            yield piece


NO_BODY = NoBody()


class BodyFile(io.BufferedRandom):
    """A body that is here, in a temporary file, which is read in a thread where a task asks."""

    async def aread(self, size: int = -1) -> bytes:
        """As `read`, while the loop serves others."""
        from asyncio import to_thread  # where no task reads, nobody may need it

        return await to_thread(self.read, size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it in pieces."""
        while piece := await self.aread(AT_ONCE):
            yield piece


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class BlockingBody:
    """A body as a WSGI server gives it, with the reading of an async view beside its own: nothing else runs on such a view's loop."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    async def aread(self, size: int = -1) -> bytes:
        """Read so many bytes, or all."""
        return self._file.read(size)

    async def aread_some(self) -> bytes:
        """Read some bytes; b"" at the end."""
        return self._file.read(io.DEFAULT_BUFFER_SIZE)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield pieces to the end."""
        while piece := await self.aread_some():
            yield piece

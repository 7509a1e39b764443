"""A codec over a stream, to await: the names of `kolben.services.conversation`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Protocol, TypeVar

from kolben.services.conversation import HIGH_WATER, RECEIVE, STRIDE, Exchange
from kolben.wire.events import CLOSED, NEED_DATA

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from kolben.services.codecs import Codec

__all__ = ["Conversation"]

Event = TypeVar("Event")
Message = TypeVar("Message")


class Stream(Protocol):
    """What a conversation needs of a stream."""

    def recv(self, max_bytes: int = ..., /) -> Awaitable[bytes]:
        """Return what came; b"" at the end."""

    def send(self, data: bytes, /) -> Awaitable[object]:
        """Send all of it."""

    def close(self) -> object:
        """Let go; more than once is fine."""


class Conversation(Exchange[Event, Message]):
    """Events of the peer by `async for`, messages of ours by `await send`, over a stream that it takes.

    Iteration ends when the peer has closed its side.  What the codec has to say by itself, an answer to a ping or a refusal, is sent, too.
    One task may receive while another sends.
    """

    def __init__(self, stream: Stream, codec: Codec[Event, Message]) -> None:
        super().__init__(codec)
        self.stream = stream

    async def receive(self) -> Event | None:
        """Return the next event; None when the peer has closed its side.

        Raises:
            RemoteProtocolError: the peer broke the protocol.
        """
        async for event in self:
            return event
        return None

    async def answer(self, function: Callable[[Event], Message | None]) -> None:
        """Answer each event with what the function makes of it, None being no answer, until the peer has closed its side."""
        # PERF: nothing is awaited or called twice for an answer; each call more is a hundredth of what an answer costs.
        next_event, send, data_to_send, receive_data = (
            self.codec.next_event,
            self.codec.send,
            self.codec.data_to_send,
            self.codec.receive_data,
        )
        stream = self.stream
        while True:
            try:
                event = next_event()
            except Exception:
                await self.flush()  # the codec may have said why
                raise
            if event is NEED_DATA:
                if data := self._take_unsent() if self._unsent else data_to_send():
                    await stream.send(data)
                receive_data(await stream.recv(RECEIVE))
            elif event is CLOSED:
                return await self.flush()
            elif (message := function(event)) is not None:  # type: ignore[arg-type]  # no other Signal comes from a codec
                send(message)
                self._puts += 1
                if self._puts >= STRIDE:
                    self._collect()
                    if self._unsent_size >= HIGH_WATER:
                        await self.flush()

    async def send(self, message: Message) -> None:
        """Send a message, after those that wait."""
        self.codec.send(message)
        await self.flush()

    async def flush(self) -> None:
        """Send what waits."""
        if data := self._take_unsent():
            await self.stream.send(data)

    async def close(self) -> None:
        """Close the stream; what waits is not sent.  More than once is fine."""
        closed = self.stream.close()
        if isinstance(closed, Awaitable):
            await closed

    async def __aiter__(self) -> AsyncIterator[Event]:
        # One generator for all events.  PERF: a coroutine for each cost as much as parsing it.
        next_event, receive_data, recv = self.codec.next_event, self.codec.receive_data, self.stream.recv
        while True:
            try:
                event = next_event()
            except Exception:
                await self.flush()  # the codec may have said why
                raise
            if event is NEED_DATA:
                if data := self._take_unsent():
                    await self.stream.send(data)
                receive_data(await recv(RECEIVE))
            elif event is CLOSED:
                await self.flush()
                return
            else:
                if self._unsent_size >= HIGH_WATER:
                    await self.flush()
                yield event  # type: ignore[misc]  # no other Signal comes from a codec

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()

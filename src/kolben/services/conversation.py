"""A codec over a stream, as blocking calls.  `kolben.services.aio` has the awaiting form, with the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kolben.wire.events import CLOSED, NEED_DATA, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from kolben.services.codecs import Codec

__all__ = ["RECEIVE", "Conversation", "Exchange"]

RECEIVE = 64 * 1024  # bytes taken from the stream at once
HIGH_WATER = 64 * 1024  # bytes of ours that wait at most before the next event is given out, as limits.output

Event = TypeVar("Event")
Message = TypeVar("Message")


class Stream(Protocol):
    """What a conversation needs of a stream."""

    def recv(self, max_bytes: int = ..., /) -> bytes:
        """Return what came; b"" at the end."""

    def send(self, data: bytes, /) -> object:
        """Send all of it."""

    def close(self) -> None:
        """Let go; more than once is fine."""


class Exchange(Generic[Event, Message]):
    """What both forms share: a codec, and the bytes that wait to be sent."""

    def __init__(self, codec: Codec[Event, Message]) -> None:
        self.codec = codec
        self._unsent: list[bytes] = []
        self._unsent_size = 0

    def put(self, message: Message) -> None:
        """Have a message sent before the next bytes are waited for: answers to what came together go out together.

        Raises:
            LocalProtocolError: the protocol cannot carry it.
        """
        self.codec.send(message)
        self._collect()

    def _next(self) -> Event | Signal:
        """Return an event or CLOSED, or NEED_DATA; whatever it is, what the codec says to it is collected."""
        try:
            event = self.codec.next_event()
        finally:
            self._collect()
        return event

    def _collect(self) -> None:
        if data := self.codec.data_to_send():
            self._unsent.append(data)
            self._unsent_size += len(data)

    def _take_unsent(self) -> bytes:
        self._collect()
        data = b"".join(self._unsent)
        self._unsent.clear()
        self._unsent_size = 0
        return data


class Conversation(Exchange[Event, Message]):
    """Events of the peer by iteration, messages of ours by `send`, over a stream that it takes.

    Iteration ends when the peer has closed its side.  What the codec has to say by itself, an answer to a ping or a refusal, is sent, too.
    """

    def __init__(self, stream: Stream, codec: Codec[Event, Message]) -> None:
        super().__init__(codec)
        self.stream = stream

    def receive(self) -> Event | None:
        """Return the next event; None when the peer has closed its side.

        Raises:
            RemoteProtocolError: the peer broke the protocol.
        """
        while True:
            try:
                event = self._next()
            except Exception:
                self.flush()  # the codec may have said why
                raise
            if event is NEED_DATA or self._unsent_size >= HIGH_WATER:
                self.flush()
            if event is NEED_DATA:
                self.codec.receive_data(self.stream.recv(RECEIVE))
            elif event is CLOSED:
                self.flush()
                return None
            else:
                return event  # type: ignore[return-value]  # no other Signal comes from a codec

    def send(self, message: Message) -> None:
        """Send a message, after those that wait."""
        self.codec.send(message)
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if data := self._take_unsent():
            self.stream.send(data)

    def close(self) -> None:
        """Close the stream; what waits is not sent.  More than once is fine."""
        self.stream.close()

    def __iter__(self) -> Iterator[Event]:
        while (event := self.receive()) is not None:
            yield event

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

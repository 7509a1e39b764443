"""A codec over a stream, as blocking calls.  `kolben.services.aio` has the awaiting form, with the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kolben.wire.events import CLOSED, NEED_DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from kolben.services.codecs import Codec

__all__ = ["RECEIVE", "Conversation", "Exchange"]

RECEIVE = 64 * 1024  # bytes taken from the stream at once
HIGH_WATER = 64 * 1024  # bytes of ours that may wait before the next event is given out, as limits.output
STRIDE = 8  # messages that are put between two looks at how many bytes wait.  PERF: a look costs as much as parsing half a command

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
        self._puts = 0

    def put(self, message: Message) -> None:
        """Have a message sent before the next bytes are waited for: answers to what came together go out together.

        Raises:
            LocalProtocolError: the protocol cannot carry it.
        """
        self.codec.send(message)
        self._puts += 1
        if self._puts >= STRIDE:
            self._collect()

    def _collect(self) -> None:
        self._puts = 0
        if data := self.codec.data_to_send():
            self._unsent.append(data)
            self._unsent_size += len(data)

    def _take_unsent(self) -> bytes:
        if not self._unsent:
            self._puts = 0
            return self.codec.data_to_send()
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
                event = self.codec.next_event()
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

    def answer(self, function: Callable[[Event], Message | None]) -> None:
        """Answer each event with what the function makes of it, None being no answer, until the peer has closed its side."""
        for event in self:
            if (message := function(event)) is not None:
                self.put(message)

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

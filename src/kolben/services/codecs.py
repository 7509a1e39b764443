"""Framing: where a message of a byte stream ends.  No socket, no clock, no loop in this module.

A codec is one connection's protocol as a machine.  Bytes that arrived go in by receive_data(), events come out of next_event();
messages of ours go in by send(), bytes for the peer come out of data_to_send().  So a protocol is written and tested without a socket,
and a Conversation runs it over one.

Invariants, tested for every codec here: events do not depend on where the bytes were cut; nothing grows beyond `limit`, whatever the
peer announces; what the peer sent in part is never given out as if it were whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from kolben.base import LimitExceeded, LocalProtocolError, RemoteProtocolError
from kolben.wire.events import CLOSED, NEED_DATA

if TYPE_CHECKING:
    from kolben.wire.events import Signal

__all__ = ["CLOSED", "NEED_DATA", "Codec", "DelimiterCodec", "FixedCodec", "Framing", "LengthPrefixedCodec", "LineCodec"]

LINE_LIMIT = 64 * 1024  # bytes, as asyncio's streams
MESSAGE_LIMIT = 1024 * 1024  # bytes, as a WebSocket message's

Event_co = TypeVar("Event_co", covariant=True)
Message_contra = TypeVar("Message_contra", contravariant=True)


class Codec(Protocol[Event_co, Message_contra]):
    """One connection's protocol: bytes to events, messages to bytes.  What a user's own codec has to have."""

    def receive_data(self, data: bytes) -> None:
        """Take bytes that arrived; b"" means that the peer closed its side.  Then call next_event() until it returns a Signal."""

    def next_event(self) -> Event_co | Signal:
        """Return what came next; NEED_DATA for not yet, CLOSED for never again.

        Raises:
            RemoteProtocolError: the bytes break the protocol; nothing after them can be trusted.
        """

    def send(self, message: Message_contra) -> None:
        """Put a message among what data_to_send() returns.

        Raises:
            LocalProtocolError: the protocol cannot carry it.
        """

    def data_to_send(self) -> bytes:
        """Return the bytes that are to go to the peer, once; b"" if there are none."""


class Framing(ABC):
    """What the codecs below share: messages are bytes, and `limit` is the longest one's length.

    A subclass says where a message ends and how one of ours is written.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit: expected 1 byte or more, got {limit}")
        self.limit = limit
        self._buffer = bytearray()
        self._output: list[bytes] = []
        self._is_closed = False
        self._is_broken = False

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes that arrived from the peer; b"" means that it closed its side.

        Copies: the caller may use its buffer again.  Then call next_event() until it returns a Signal.

        Raises:
            LocalProtocolError: bytes after b"".
        """
        if not data:
            self._is_closed = True
        elif self._is_closed:
            raise LocalProtocolError("receive_data: expected nothing after b''")
        self._buffer += data

    def next_event(self) -> bytes | Signal:
        """Return the next message; NEED_DATA for not yet, CLOSED when the peer closed between two messages.

        Raises:
            LimitExceeded: a message is longer than `limit`.
            RemoteProtocolError: the peer closed within a message.
            LocalProtocolError: it raised before.
        """
        if self._is_broken:
            raise LocalProtocolError("next_event: the peer broke the framing before; close the connection")
        try:
            message = self._cut()
            return self._nothing() if message is None else message
        except RemoteProtocolError:
            self._is_broken = True
            raise

    def send(self, message: bytes) -> None:
        """Put a message among what data_to_send() returns.

        Raises:
            LocalProtocolError: it does not fit this framing; nothing of it is sent.
        """
        if len(message) > self.limit:
            raise LocalProtocolError(f"expected a message of at most {self.limit} bytes, got {len(message)}: raise `limit` at both ends")
        self._output.append(self._frame(message))

    def data_to_send(self) -> bytes:
        """Return the bytes that are to go to the peer, once; b"" if there are none."""
        output, self._output = self._output, []
        return output[0] if len(output) == 1 else b"".join(output)

    @abstractmethod
    def _cut(self) -> bytes | None:
        """Take the next message out of the buffer; None if it is not whole."""

    @abstractmethod
    def _frame(self, message: bytes) -> bytes:
        """Return the message as it goes on the wire."""

    @abstractmethod
    def _missing(self) -> str:
        """Say what was expected behind the part of a message that came, and what came."""

    def _nothing(self) -> Signal:
        if self._is_closed and self._buffer:
            raise RemoteProtocolError(f"the peer closed within a message: {self._missing()}")
        return CLOSED if self._is_closed else NEED_DATA

    def _take(self, end: int, start: int = 0) -> bytes:
        """Cut a message out of the buffer, and all that stands before it."""
        message = bytes(memoryview(self._buffer)[start:end])
        del self._buffer[:end]  # moves no bytes: a bytearray keeps where it begins
        return message

    def _refusal(self, length: str) -> LimitExceeded:
        return LimitExceeded(f"expected a message of at most {self.limit} bytes, got {length}", status=413)


class DelimiterCodec(Framing):
    """Messages that end with a delimiter, which is no part of them and cannot stand in one.

    Args:
        delimiter: One byte or more.
        limit: Bytes of a message without its delimiter.
    """

    def __init__(self, delimiter: bytes, *, limit: int = LINE_LIMIT) -> None:
        super().__init__(limit)
        if not delimiter:
            raise ValueError("delimiter: expected one byte or more, got none")
        self.delimiter = delimiter
        self._searched = 0  # bytes in which no delimiter begins, so that a slow sender is not searched again and again

    def _cut(self) -> bytes | None:
        end = self._buffer.find(self.delimiter, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(self.delimiter) + 1)
            if self._searched > self._longest():
                raise self._refusal(f"{self._searched} without the delimiter {self.delimiter!r}")
            return None
        self._searched = 0
        message = self._strip(self._take(end))
        del self._buffer[: len(self.delimiter)]
        if len(message) > self.limit:
            raise self._refusal(str(len(message)))
        return message

    def _frame(self, message: bytes) -> bytes:
        framed = message + self.delimiter
        at = framed.find(self.delimiter)
        if at != len(message):  # also one that the message's end makes together with the delimiter
            raise LocalProtocolError(f"expected a message without the delimiter {self.delimiter!r}, got one with it at byte {at}")
        return framed

    def _missing(self) -> str:
        return f"expected the delimiter {self.delimiter!r} behind {len(self._buffer)} bytes, got the end"

    def _longest(self) -> int:
        """How many bytes may stand there without a delimiter."""
        return self.limit

    def _strip(self, message: bytes) -> bytes:
        """Take off what belongs to the delimiter."""
        return message


class LineCodec(DelimiterCodec):
    """Lines that end with LF or CRLF; the end is no part of them.

    Args:
        newline: How lines of ours end.
        limit: Bytes of a line without its end.
    """

    def __init__(self, *, newline: Literal[b"\n", b"\r\n"] = b"\n", limit: int = LINE_LIMIT) -> None:
        super().__init__(b"\n", limit=limit)
        self.newline = newline

    def _frame(self, message: bytes) -> bytes:
        if message.endswith(b"\r"):
            raise LocalProtocolError("expected a line without CR at its end, got one: the peer would take it for a part of the line's end")
        return super()._frame(message)[:-1] + self.newline

    def _longest(self) -> int:
        return self.limit + 1  # the last may be a CR

    def _strip(self, message: bytes) -> bytes:
        return message.removesuffix(b"\r")


class LengthPrefixedCodec(Framing):
    """Messages behind their length, an unsigned number of so many bytes.

    Args:
        prefix: Bytes of the number: 1, 2, 4 or 8.
        byteorder: The number's; "big" is the network's.
        limit: Bytes of a message; an announced length is compared before its bytes are waited for.
    """

    def __init__(self, prefix: Literal[1, 2, 4, 8] = 4, *, byteorder: Literal["big", "little"] = "big", limit: int = MESSAGE_LIMIT) -> None:
        if prefix not in {1, 2, 4, 8}:
            raise ValueError(f"prefix: expected 1, 2, 4 or 8 bytes, got {prefix}")
        super().__init__(min(limit, 256**prefix - 1))
        self.prefix = prefix
        self.byteorder = byteorder

    def _cut(self) -> bytes | None:
        if len(self._buffer) < self.prefix:
            return None
        end = self.prefix + self._announced()
        return self._take(end, self.prefix) if len(self._buffer) >= end else None

    def _announced(self) -> int:
        length = int.from_bytes(memoryview(self._buffer)[: self.prefix], self.byteorder)
        if length > self.limit:
            raise self._refusal(f"a length of {length}")
        return length

    def _frame(self, message: bytes) -> bytes:
        return len(message).to_bytes(self.prefix, self.byteorder) + message

    def _missing(self) -> str:
        if len(self._buffer) < self.prefix:
            return f"expected a length of {self.prefix} bytes, got {len(self._buffer)}"
        return f"expected {self._announced()} bytes, got {len(self._buffer) - self.prefix}"


class FixedCodec(Framing):
    """Messages that are all of one size.

    Args:
        size: Bytes of each.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def _cut(self) -> bytes | None:
        return self._take(self.size) if len(self._buffer) >= self.size else None

    def _frame(self, message: bytes) -> bytes:
        if len(message) != self.size:
            raise LocalProtocolError(f"expected a message of {self.size} bytes, got {len(message)}")
        return message

    def _missing(self) -> str:
        return f"expected {self.size} bytes, got {len(self._buffer)}"

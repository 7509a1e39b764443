"""A server's side of HTTP/1.1 as a machine that is fed bytes and asked for events (RFC 9112)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, assert_never

from kolben.base import LimitExceeded, Limits, LocalProtocolError, RemoteProtocolError
from kolben.wire._chunk import ChunkedBody
from kolben.wire._head import HeadParser
from kolben.wire.events import CLOSED, NEED_DATA, PAUSED, BodyChunk, EndOfMessage, RequestHead

if TYPE_CHECKING:
    from kolben.wire.events import Event, Signal

__all__ = ["H1Receiver"]


class State(enum.Enum):
    """Where in a message the peer is."""

    HEAD = enum.auto()
    FIXED_BODY = enum.auto()
    CHUNKED_BODY = enum.auto()
    DONE = enum.auto()
    BROKEN = enum.auto()


class H1Receiver:
    """Requests of one connection, one after the other.

    It runs on the kernels of the server, so what it takes and refuses is what the server takes and refuses.
    After a RemoteProtocolError nothing that the peer sent can be trusted: answer, if there is a request to answer, and close.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._parser = HeadParser(self._limits.request_line, self._limits.head, self._limits.field_count)
        self._buffer = bytearray()
        self._resume = 0
        self._closed = False
        self._state = State.HEAD
        self._left = 0  # bytes of a fixed body that are still to come
        self._received = 0  # bytes of this body
        self._chunks = ChunkedBody(self._limits.head)

    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes that arrived from the peer; b"" means that it closed its side.

        Copies: the caller may use its buffer again.  Then call next_event() until it returns a Signal.

        Raises:
            LocalProtocolError: bytes after b"".
        """
        if not data:
            self._closed = True
        elif self._closed:
            raise LocalProtocolError("receive_data: expected nothing after b''")
        self._buffer += data

    def next_event(self) -> Event | Signal:
        """Return what came next, or why nothing did.

        Raises:
            RemoteProtocolError: the bytes break RFC 9112; `status` is what to answer.
            LimitExceeded: a head, a body or what surrounds its chunks is longer than `limits` allows.
            LocalProtocolError: it raised before.
        """
        try:
            event = self._read()
        except RemoteProtocolError:
            self._state = State.BROKEN
            raise
        if event is NEED_DATA and self._closed:
            return self._end_of_input()
        return event

    def start_next_message(self) -> None:
        """Go on to the next message.

        Raises:
            LocalProtocolError: the present one is not through.
        """
        if self._state is not State.DONE:
            raise LocalProtocolError(f"start_next_message: expected a message that is through, got {self._state.name}")
        self._state = State.HEAD

    @property
    def trailing_data(self) -> bytes:
        """Bytes that came and belong to no event yet, for who takes the connection over (Upgrade, CONNECT)."""
        return bytes(self._buffer)

    def _read(self) -> Event | Signal:
        match self._state:
            case State.HEAD:
                return self._read_head()
            case State.FIXED_BODY:
                return self._read_fixed()
            case State.CHUNKED_BODY:
                return self._read_chunked()
            case State.DONE:
                return PAUSED
            case State.BROKEN:
                raise LocalProtocolError("next_event: expected no call after it raised")
        assert_never(self._state)

    def _read_head(self) -> RequestHead | Signal:
        complete, number = self._parser.parse_bytes(self._buffer, self._resume)
        if not complete:
            self._resume = number
            return NEED_DATA
        self._resume = 0
        head = RequestHead(**self._parser.parsed(bytes(self._buffer[:number])))
        del self._buffer[:number]
        self._left = head.content_length or 0
        self._received = 0
        self._check_body_limit(self._left)
        self._state = State.CHUNKED_BODY if head.chunked else State.FIXED_BODY
        return head

    def _read_fixed(self) -> BodyChunk | EndOfMessage | Signal:
        if self._left == 0:
            self._state = State.DONE
            return EndOfMessage()
        data = bytes(self._buffer[: self._left])
        del self._buffer[: self._left]
        self._left -= len(data)
        return BodyChunk(data) if data else NEED_DATA

    def _read_chunked(self) -> BodyChunk | EndOfMessage | Signal:
        while self._buffer:
            used, data, ended = self._chunks.decode(self._buffer)
            del self._buffer[:used]
            if ended:
                self._state = State.DONE
                return EndOfMessage()
            if data:
                self._received += len(data)
                self._check_body_limit(self._received)
                return BodyChunk(data)
        return NEED_DATA

    def _check_body_limit(self, size: int) -> None:
        limit = self._limits.body
        if limit and size > limit:
            raise LimitExceeded(f"body: expected at most {limit} bytes", status=413, source="RFC 9110, section 15.5.14")

    def _end_of_input(self) -> Signal:
        """Tell an end between two messages from one inside a message."""
        if self._state is State.HEAD and not self._buffer:
            return CLOSED
        self._state = State.BROKEN
        raise RemoteProtocolError("message: expected its end before the connection's", source="RFC 9112, section 8")

"""What happens in a message, as a reader of the bytes sees it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["CLOSED", "NEED_DATA", "PAUSED", "BodyChunk", "EndOfMessage", "Event", "RequestHead", "Signal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request line and its fields, checked.

    Attributes:
        method: As it was sent: methods are case-sensitive.
        target: As it was sent.
        path: Within the target, not decoded; b"/" where the absolute form has none, b"*" for the asterisk form.
        query: What stands after the "?", not decoded.
        authority: Of the absolute form, which wins over Host, or of CONNECT; else empty (RFC 9112, section 3.2.2).
        version: (1, 0) or (1, 1).
        content_length: Bytes; None if the field did not come.
        chunked: The body comes in chunks.
        keep_alive: What version and Connection say together.
        expect_continue: The peer waits for 100 before it sends the body.
        upgrade: Connection names it and the field is there.
        escaped: The path has a "%" or a byte that no URI has.
        fields: Names and values in the order and case of the wire, values without the whitespace around them.
    """

    method: str
    target: bytes
    path: bytes
    query: bytes
    authority: bytes
    version: tuple[int, int]
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expect_continue: bool
    upgrade: bool
    escaped: bool
    fields: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """Some bytes of the body; where it was cut means nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfMessage:
    """The message ended as its framing says."""


class Signal(enum.Enum):
    """Why there is no event."""

    NEED_DATA = "more bytes are needed"
    PAUSED = "a message is through, and the next has not been asked for"
    CLOSED = "the peer closed its side between two messages"


NEED_DATA = Signal.NEED_DATA
PAUSED = Signal.PAUSED
CLOSED = Signal.CLOSED

Event = RequestHead | BodyChunk | EndOfMessage

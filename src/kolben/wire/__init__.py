"""Bytes to events and back (RFC 9112, 6455).  No socket, no clock, no event loop in this room."""

from kolben.wire.events import CLOSED, NEED_DATA, PAUSED, BodyChunk, EndOfMessage, RequestHead
from kolben.wire.h1 import H1Receiver

__all__ = ["CLOSED", "NEED_DATA", "PAUSED", "BodyChunk", "EndOfMessage", "H1Receiver", "RequestHead"]

"""Bytes to events and back (RFC 9112, 6455).  No socket, no clock, no event loop in this room."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kolben.wire.events import CLOSED, NEED_DATA, PAUSED, BodyChunk, EndOfMessage, RequestHead
    from kolben.wire.h1 import H1Receiver

__all__ = ["CLOSED", "NEED_DATA", "PAUSED", "BodyChunk", "EndOfMessage", "H1Receiver", "RequestHead"]


def __getattr__(name: str) -> Any:
    """Import the Python face when it is asked for: the server uses the native kernels alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kolben.wire import events, h1

    return getattr(h1 if name == "H1Receiver" else events, name)

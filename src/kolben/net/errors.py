"""What goes wrong with sockets, as errors that say who, what and what to do.

Each is the builtin error that a program written for sockets expects (`ConnectionRefusedError`, `TimeoutError` ...) and a KolbenError.
"""

import errno
import os
import socket
from typing import Any

from kolben.base.errors import KolbenError, UsageError

__all__ = [
    "AddressInUseError",
    "BrokenError",
    "ClosedError",
    "ConnectError",
    "ForbiddenError",
    "IncompleteReadError",
    "ListenError",
    "NetworkError",
    "RefusedError",
    "ResetError",
    "TLSError",
    "TimedOutError",
    "UnknownHostError",
    "stream_error",
]


class NetworkError(KolbenError, OSError):
    """Something went wrong with a socket.

    Attributes:
        errno: The system's number, where it gave one.
    """

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.errno = number


class ListenError(NetworkError, UsageError):
    """Nobody can listen there; the message says why and what to do."""


class AddressInUseError(ListenError):
    """Somebody listens there already."""


class ForbiddenError(ListenError, PermissionError):
    """The system does not let this program listen there."""


class ConnectError(NetworkError, ConnectionError):
    """Nobody can be reached there; the message says why and what to do."""


class RefusedError(ConnectError, ConnectionRefusedError):
    """Nobody listens there."""


class UnknownHostError(NetworkError, UsageError, socket.gaierror):
    """There is no host of that name."""


class TimedOutError(NetworkError, TimeoutError):
    """It did not happen in time.  What was received stays for the next call."""


class ResetError(NetworkError, ConnectionResetError):
    """The peer cut the connection, or its machine did."""


class BrokenError(NetworkError, BrokenPipeError):
    """The peer receives no more."""


class ClosedError(NetworkError):
    """The socket was closed on this side."""


class TLSError(NetworkError):
    """The peers cannot agree on TLS: the certificate, the version, or what came is no TLS at all."""


class IncompleteReadError(NetworkError, EOFError):
    """The peer closed in the middle.

    Attributes:
        partial: What came before.
        expected: How many bytes were asked for; None if it was a separator.
    """

    def __init__(self, message: str, partial: bytes, expected: int | None = None) -> None:
        super().__init__(message)
        self.partial = partial
        self.expected = expected


_MEANINGS = {
    errno.ECONNRESET: (ResetError, "the peer cut the connection"),
    errno.ECONNABORTED: (ResetError, "the connection was cut"),
    errno.EPIPE: (BrokenError, "the peer receives no more"),
    errno.ENOTCONN: (BrokenError, "it is not connected"),
    errno.ETIMEDOUT: (TimedOutError, "the peer has not answered for too long"),
    errno.ECONNREFUSED: (RefusedError, "nobody listens there"),
    errno.EMSGSIZE: (NetworkError, "more than fits into one datagram"),
}


def stream_error(number: int, what: Any) -> NetworkError:
    """Make the error for what the system said of an open socket."""
    kind, meaning = _MEANINGS.get(number, (NetworkError, os.strerror(number)))
    return kind(f"{what!r}: {meaning}", number)

"""Who is at either end of a socket."""

import os
import socket
import struct
import sys
from typing import NamedTuple

from kolben.base.errors import UsageError
from kolben.net.address import TCPAddress, UDPAddress, UnixAddress, UnixDatagramAddress

__all__ = ["PeerCredentials", "address_of", "credentials_of"]

_CREDENTIALS = struct.Struct("3i")  # struct ucred, unix(7)


class PeerCredentials(NamedTuple):
    """The process at the other end of a Unix socket, as the kernel knows it."""

    pid: int
    uid: int
    gid: int


def credentials_of(sock: socket.socket) -> PeerCredentials:
    """Ask the kernel who connected.

    Raises:
        UsageError: it is not a Unix socket, or this system does not tell.
    """
    if sys.platform != "linux" or sock.family != socket.AF_UNIX:
        raise UsageError("peer credentials: expected a Unix socket on Linux. Ask the peer who it is in your protocol.")
    return PeerCredentials(*_CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)))


def address_of(sock: socket.socket, *, of_peer: bool = False) -> TCPAddress | UDPAddress | UnixAddress | UnixDatagramAddress:
    """Either end's address; one that is not known any more is a Unix socket's without a name."""
    try:
        name = sock.getpeername() if of_peer else sock.getsockname()
    except OSError:
        name = ""
    is_stream = sock.type == socket.SOCK_STREAM
    if isinstance(name, tuple):
        return (TCPAddress if is_stream else UDPAddress)(name[0], name[1])
    path = f"@{os.fsdecode(name[1:])}" if isinstance(name, bytes) and name else os.fsdecode(name)
    return (UnixAddress if is_stream else UnixDatagramAddress)(path)

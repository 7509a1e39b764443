"""Socket addresses as the kernel writes them, read into ours and written back."""

import os
import socket
import sys

from kolben.base.errors import UsageError
from kolben.net.address import Address, TCPAddress, UDPAddress, UnixAddress, UnixDatagramAddress, parse_address

__all__ = ["datagram_address", "pack", "stream_address"]

_IS_LINUX = sys.platform.startswith("linux")


def _family(raw: bytes) -> int:
    if _IS_LINUX:
        return int.from_bytes(raw[:2], sys.byteorder)
    return raw[1] if len(raw) > 1 else 0  # the BSDs write a length before it


def _read_ip(raw: bytes) -> tuple[str, int]:
    port = int.from_bytes(raw[2:4], "big")
    if _family(raw) == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port
    host = socket.inet_ntop(socket.AF_INET6, raw[8:24])
    scope = int.from_bytes(raw[24:28], sys.byteorder)
    return (f"{host}%{_interface(scope)}" if scope else host), port


def _interface(scope: int) -> str:
    try:
        return socket.if_indextoname(scope)
    except OSError:
        return str(scope)


def _read_path(raw: bytes) -> str:
    name = raw[2:]
    if name.startswith(b"\0") and len(name) > 1:
        return "@" + os.fsdecode(name[1:])
    return os.fsdecode(name.partition(b"\0")[0])


def stream_address(raw: bytes) -> TCPAddress | UnixAddress:
    """Read what accept() or getpeername() gave; a Unix socket without a name, and one that is gone, has an empty path."""
    if _family(raw) in {socket.AF_INET, socket.AF_INET6}:
        return TCPAddress(*_read_ip(raw))
    return UnixAddress(_read_path(raw))


def datagram_address(raw: bytes) -> UDPAddress | UnixDatagramAddress:
    """Read who sent a datagram."""
    if _family(raw) in {socket.AF_INET, socket.AF_INET6}:
        return UDPAddress(*_read_ip(raw))
    return UnixDatagramAddress(_read_path(raw))


def pack(address: str | Address) -> bytes:
    """Write where a datagram is to go: an address, or its text.

    Raises:
        UsageError: it is none for datagrams, or a name that would have to be looked up.
    """
    address = parse_address(address, deed="send a datagram to")
    if isinstance(address, UnixDatagramAddress):
        path = os.fsencode(address.path)
        return _head(socket.AF_UNIX, 2 + len(path) + 1) + (b"\0" + path[1:] if address.is_abstract else path + b"\0")
    if not isinstance(address, UDPAddress):
        raise UsageError(f"cannot send a datagram to {address}: expected udp://host:port or unix-dgram:/path")
    try:
        return _pack_ip(address)
    except OSError as error:
        advice = "Look it up once, by connect(), and send to what it found."
        raise UsageError(f"cannot send a datagram to {address}: expected an IP address, got a name. {advice}") from error


def _head(family: int, length: int) -> bytes:
    return family.to_bytes(2, sys.byteorder) if _IS_LINUX else bytes([length, family])


def _pack_ip(address: UDPAddress) -> bytes:
    port = address.port.to_bytes(2, "big")
    if ":" not in address.host:
        return _head(socket.AF_INET, 16) + port + socket.inet_pton(socket.AF_INET, address.host) + bytes(8)
    host, _, scope = address.host.partition("%")
    number = 0 if not scope else int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
    return _head(socket.AF_INET6, 28) + port + bytes(4) + socket.inet_pton(socket.AF_INET6, host) + number.to_bytes(4, sys.byteorder)

"""Socket addresses as the kernel writes them, read into ours and written back."""

import os
import socket
import sys

from kolben.net.address import TCPAddress, UDPAddress, UnixAddress, UnixDatagramAddress

__all__ = ["datagram_address", "pack_ip", "stream_address"]

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


def pack_ip(family: int, sockaddr: tuple[str, int] | tuple[str, int, int, int]) -> bytes:
    """Write an address that getaddrinfo() gave."""
    host, port, *rest = sockaddr
    head = family.to_bytes(2, sys.byteorder) if _IS_LINUX else bytes([16 if family == socket.AF_INET else 28, family])
    if family == socket.AF_INET:
        return head + port.to_bytes(2, "big") + socket.inet_pton(family, host) + bytes(8)
    flow, scope = rest or (0, 0)
    packed = socket.inet_pton(family, host.partition("%")[0])
    return head + port.to_bytes(2, "big") + flow.to_bytes(4, "big") + packed + scope.to_bytes(4, sys.byteorder)

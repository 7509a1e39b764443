"""The blocking form of connecting: names, happy eyeballs (RFC 8305), Unix sockets, TLS."""

import errno
import os
import select
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, overload

from kolben.base.errors import UsageError
from kolben.net.address import Address, TCPAddress, TLSAddress, UDPAddress, UnixAddress, UnixDatagramAddress, parse_address
from kolben.net.datagram import DatagramSocket, candidate_of, open_connected
from kolben.net.errors import TimedOutError
from kolben.net.refusal import connect_refusal
from kolben.net.resolving import ATTEMPT_DELAY, Candidate, in_order, is_literal, read_target, unknown_host
from kolben.net.stream import Stream

if TYPE_CHECKING:
    from ssl import SSLContext


__all__ = ["connect", "default_context", "make_socket", "read_local"]


@overload
def connect(
    address: TCPAddress | TLSAddress | UnixAddress,
    *,
    timeout: float | None = None,
    tls: "SSLContext | None" = None,
    local: str | Address | None = None,
) -> Stream: ...


@overload
def connect(
    address: UDPAddress | UnixDatagramAddress, *, timeout: float | None = None, local: str | Address | None = None
) -> DatagramSocket: ...


@overload
def connect(address: str, *, timeout: float | None = None, tls: "SSLContext | None" = None, local: str | Address | None = None) -> Any: ...


def connect(
    address: str | Address, *, timeout: float | None = None, tls: "SSLContext | None" = None, local: str | Address | None = None
) -> Stream | DatagramSocket:
    """Connect: to `host:port`, `tcp://host:port`, `tls://host:port` or `unix:/path` by a Stream; to `udp://`, `unix-dgram:` for datagrams.

    Args:
        address: Whom.
        timeout: Seconds for all of it, names and handshake as well; None waits as long as the system does.
        tls: How to check the peer's certificate; of `tls://` by default as `ssl.create_default_context()` does.
        local: From which address of this machine, such as `192.0.2.1:0`.

    Raises:
        UsageError: it is no address, or there is no such host.
        ConnectError: nobody answers there; the message says why and what to do.
        TimedOutError: it took longer.
    """
    target = read_target(address)
    deadline = None if timeout is None else time.monotonic() + timeout
    if isinstance(target, (UDPAddress, UnixDatagramAddress)):
        sock, file = open_connected(target, candidate_of(target) if isinstance(target, UDPAddress) else None, local)
        return DatagramSocket(sock, peer_address=target, file=file)
    if isinstance(target, UnixAddress):
        return Stream(_connect_unix(target, deadline), peer_address=target)
    if not isinstance(target, (TCPAddress, TLSAddress)):
        raise UsageError(
            f"cannot connect to {target}: expected whom to connect to, got an inherited socket. Write host:port or unix:/path."
        )
    stream = Stream(_race(target, _candidates(target), deadline, local))
    if tls is not None or isinstance(target, TLSAddress):
        with ExitStack() as undo:
            undo.callback(stream.abort)
            stream.start_tls(tls or default_context(), server_hostname=target.host, timeout=_left(deadline, target))
            undo.pop_all()
    return stream


def default_context() -> "SSLContext":
    """How a peer's certificate is checked if nobody says otherwise."""
    import ssl

    return ssl.create_default_context()


def _left(deadline: float | None, target: Address) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOutError(
            f"cannot connect to {target}: it did not answer in time. Check that it runs, and that no firewall is in between."
        )
    return left


def _connect_unix(target: UnixAddress, deadline: float | None) -> socket.socket:
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        sock.settimeout(_left(deadline, target))
        try:
            sock.connect("\0" + target.path[1:] if target.is_abstract else target.path)
        except OSError as error:
            raise connect_refusal(error, target) from error
        undo.pop_all()
    return sock


def _candidates(target: TCPAddress | TLSAddress) -> list[Candidate]:
    flags = socket.AI_NUMERICHOST if is_literal(target.host) else 0
    try:
        return in_order(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, flags=flags))
    except OSError as error:
        raise unknown_host(target, error) from error


def make_socket(candidate: Candidate, local: str | Address | None) -> socket.socket:
    """Make a socket that is to connect to the candidate, from `local`; without blocking."""
    family, _ = candidate
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local is not None:
            bound = read_local(local)
            sock.bind((bound.host, bound.port))
        undo.pop_all()
    return sock


def read_local(local: str | Address) -> TCPAddress | TLSAddress | UDPAddress:
    """Read from which address to connect.

    Raises:
        UsageError: it is no host and port.
    """
    found = parse_address(local, 0, deed="connect from")
    if not isinstance(found, (TCPAddress, TLSAddress, UDPAddress)):
        raise UsageError(f"local: expected an address of this machine, got {found}. Write, for instance, 192.0.2.1:0.")
    return found


def _race(
    target: TCPAddress | TLSAddress, candidates: list[Candidate], deadline: float | None, local: str | Address | None
) -> socket.socket:
    """Begin an attempt every ATTEMPT_DELAY, or when one failed; the first that is connected wins, the others are closed."""
    waiting = list(candidates)
    poll = select.poll()
    begun: dict[int, socket.socket] = {}
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    with ExitStack() as undo:
        while waiting or begun:
            if waiting:
                candidate = waiting.pop(0)
                try:
                    sock = undo.enter_context(make_socket(candidate, local))
                    code = sock.connect_ex(candidate[1])
                except OSError as error:
                    failure = error
                    continue
                if code not in {0, errno.EINPROGRESS}:
                    failure = OSError(code, os.strerror(code))
                    continue
                begun[sock.fileno()] = sock
                poll.register(sock, select.POLLOUT)
            left = _left(deadline, target)
            pause = left if not waiting else ATTEMPT_DELAY if left is None else min(left, ATTEMPT_DELAY)
            for fd, _ in poll.poll(None if pause is None else pause * 1000):
                poll.unregister(fd)
                sock = begun.pop(fd)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    return socket.socket(fileno=sock.detach())  # no longer one of those that are closed with the race
                failure = OSError(code, os.strerror(code))
        raise connect_refusal(failure, target) from failure

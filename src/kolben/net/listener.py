"""Listening sockets: opened as the rest of the house expects them, refused in words a person can use.

Each is non-blocking and closed on exec.  TCP_NODELAY and keep-alive stand on the listener: on Linux accepted sockets have them from
there, which saves system calls for each connection.  The server accepts where its events are; `accept()` is for a thread that waits.
"""

import errno
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kolben.base.errors import UsageError
from kolben.net.address import Address, InheritedAddress, TCPAddress, TLSAddress, UnixAddress, parse_address
from kolben.net.binding import SocketFile, bind_unix, give_to
from kolben.net.errors import ClosedError, TimedOutError, UnknownHostError, stream_error
from kolben.net.refusal import refusal
from kolben.net.stream import Stream
from kolben.net.waiting import Waiters

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["Listener", "listen", "listen_all"]

BACKLOG = 2048  # connections; as Limits.backlog
# A peer that vanished (its machine lost power, a route broke) while a view still works for it is found out after IDLE + INTERVAL * COUNT
# seconds.  Not TCP_USER_TIMEOUT: unread output has `timeouts.write`, which can be switched off, and that would cut it all the same.
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
PORT_TRIES = 8  # how often to look for one port that is free on every address of a name
# This machine lacks the family, or the address, but may have the name's others.
ABSENT = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})

_Resolved = tuple[int, tuple[str, int] | tuple[str, int, int, int]]


class Listener:
    """One listening socket.  Owns it, and the file of a Unix socket that it made.  Iteration yields streams.

    Attributes:
        address: Where it listens: the real port where 0 was asked for.
        timeout: Seconds for each call of accept() that does not say otherwise; None waits for ever.
        tls: Who we are, if its streams speak TLS.
    """

    def __init__(self, sock: socket.socket, address: TCPAddress | TLSAddress | UnixAddress, file: SocketFile | None = None) -> None:
        """Take a listening socket; `file` is what was made for it."""
        self.address = address
        self.timeout: float | None = None
        self.tls: SSLContext | None = None
        self._socket = sock
        self._file = file
        self._waiters = Waiters()

    def fileno(self) -> int:
        """Its descriptor; -1 once closed."""
        return self._socket.fileno()

    def accept(self, timeout: float | None = None) -> Stream:
        """Wait for the next connection.  With TLS, the handshake is part of the first call that sends or receives.

        Raises:
            TimedOutError: nobody connected within `timeout` seconds.
            ClosedError: it is closed, or another thread closed it meanwhile.
        """
        timeout = self.timeout if timeout is None else timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._ensure_open()
            try:
                sock, name = self._socket.accept()
            except BlockingIOError:
                if not self._waiters.wait(self._socket, select.POLLIN, deadline):
                    raise TimedOutError(f"{self!r}: nobody connected within {timeout:g} s") from None
            except ConnectionAbortedError:
                continue  # it was gone before we came
            except OSError as error:
                self._ensure_open()
                raise stream_error(error.errno or 0, self) from error
            else:
                return self._stream(sock, name)

    def _ensure_open(self) -> None:
        if self._waiters.is_over:
            raise ClosedError(f"{self!r}: it is used after it was closed")

    def _stream(self, sock: socket.socket, name: object) -> Stream:
        # Known now: a peer that is gone cannot be asked any more.
        stream = Stream(sock, peer_address=TCPAddress(name[0], name[1]) if isinstance(name, tuple) else None)
        if self.tls is not None:
            stream.start_tls(self.tls, server_side=True, now=False)
        return stream

    def __iter__(self) -> Iterator[Stream]:
        """Streams, until it is closed."""
        with suppress(ClosedError):
            while True:
                yield self.accept()

    def close(self) -> None:
        """Listen no longer; remove the file of a Unix socket.  More than once is fine.

        A thread that waits in accept() gets a ClosedError; one that iterates, the end.  A forked child only closes its descriptor, and a
        file that somebody else put there meanwhile stays.
        """
        self._waiters.end()
        self._socket.close()
        if self._file:
            self._file.remove()
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Listener {self.address}{' closed' if self.fileno() < 0 else ''}>"


def listen(address: str | Address, backlog: int = BACKLOG, *, mode: int | None = None, tls: "SSLContext | None" = None) -> Listener:
    """Open one listener: of a name with several addresses, the first that this machine has.

    Args:
        address: Where: `host:port`, `tcp://host:port`, `tls://host:port`, `unix:/path` or `fd://3`.
        backlog: How many connections may wait to be accepted.
        mode: Permissions of a Unix socket's file, such as 0o660; None: what the address says, else the umask.  The umask is the whole
            process's: open such a listener before threads make files.
        tls: The certificate and rules of a server that speaks TLS; `tls://` needs it.

    Raises:
        UsageError: it cannot be done; the message says why and what to do.  Also a ListenError, which is an OSError, if the system refused.
    """
    address = parse_address(address)
    if isinstance(address, TLSAddress):
        if tls is None:
            raise UsageError(
                f"cannot listen on {address}: expected a certificate, got none."
                " Give listen() tls=context, an ssl.SSLContext whose load_cert_chain() has read it."
            )
        listener = _listen(TCPAddress(address.host, address.port), backlog, mode, every=False)[0]
        if isinstance(listener.address, TCPAddress):
            listener.address = TLSAddress(listener.address.host, listener.address.port)
    else:
        listener = _listen(address, backlog, mode, every=False)[0]
    listener.tls = tls
    return listener


def listen_all(address: Address, backlog: int = BACKLOG, *, mode: int | None = None) -> list[Listener]:
    """Open a listener on each address that a name stands for, as `localhost` does for two, all on one port.

    Arguments and errors are those of listen().  Addresses that this machine does not have are left out, if any is left.
    """
    return _listen(address, backlog, mode, every=True)


def _listen(address: Address, backlog: int, mode: int | None, *, every: bool) -> list[Listener]:
    if isinstance(address, TCPAddress):
        return _listen_tcp(address, backlog, every=every)
    if isinstance(address, UnixAddress):
        return [_listen_unix(address, backlog, mode)]
    if isinstance(address, InheritedAddress):
        return [_adopt(address)]
    if isinstance(address, TLSAddress):
        raise UsageError(f"cannot listen on {address}: TLS is not supported here. Let a proxy speak it, and write host:port.")
    raise UsageError(f"cannot listen on {address}: datagrams come without connections. Use bind(), or write host:port for connections.")


# --- TCP ---------------------------------------------------------------------------------------------------------------------


def _listen_tcp(address: TCPAddress, backlog: int, *, every: bool) -> list[Listener]:
    resolved = _resolve(address)
    for tries_left in reversed(range(PORT_TRIES)):
        try:
            return _open_each(resolved, address.port, backlog, every=every)
        except _RefusedError as refused:
            # Port 0: what the system chose for the first address may be taken on the second.
            if address.port or not tries_left or refused.error.errno != errno.EADDRINUSE:
                raise refusal(refused.error, refused.address) from refused.error
    raise AssertionError


class _RefusedError(Exception):
    def __init__(self, error: OSError, address: TCPAddress) -> None:
        super().__init__(error)
        self.error = error
        self.address = address


def _resolve(address: TCPAddress) -> list[_Resolved]:
    """Families and addresses without doubles, in the system's order."""
    host = address.host or None
    try:
        # As bytes, a plain name does not have Python import its codec for international ones.
        found = socket.getaddrinfo(
            host.encode() if host and host.isascii() else host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        msg = (
            f"cannot listen on {address}: the host name {address.host!r} is not known here ({error.strerror})."
            " Write 127.0.0.1 for this machine alone or 0.0.0.0 for every interface."
        )
        raise UnknownHostError(msg, error.errno) from error
    return list(dict.fromkeys((family, sockaddr) for family, _, _, _, sockaddr in found))  # type: ignore[misc]  # typeshed knows families whose addresses are bytes


def _open_each(resolved: list[_Resolved], port: int, backlog: int, *, every: bool) -> list[Listener]:
    listeners: list[Listener] = []
    absent: _RefusedError | None = None
    with ExitStack() as undo:
        for family, sockaddr in resolved:
            wanted = TCPAddress(sockaddr[0], port)
            try:
                listener = _open_tcp(family, (sockaddr[0], port, *sockaddr[2:]), backlog)
            except OSError as error:
                absent = _RefusedError(error, wanted)
                if error.errno in ABSENT:
                    continue
                raise absent from error
            undo.callback(listener.close)
            listeners.append(listener)
            if not every:
                break
            port = listener.address.port if isinstance(listener.address, TCPAddress) else port
        if absent and not listeners:
            raise absent
        undo.pop_all()
    return listeners


def _open_tcp(family: int, sockaddr: tuple[object, ...], backlog: int) -> Listener:
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_for_accepted(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(sockaddr)
        sock.listen(backlog)
        undo.pop_all()
    return Listener(sock, _address_of(sock))


def _set_for_accepted(sock: socket.socket) -> None:
    """Set what accepted sockets are to have."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        if hasattr(socket, name):  # macOS calls the first one otherwise
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


# --- Unix --------------------------------------------------------------------------------------------------------------------


def _listen_unix(address: UnixAddress, backlog: int, mode: int | None) -> Listener:
    if address.is_abstract and sys.platform != "linux":
        msg = f"cannot listen on {address}: abstract names are Linux's. Write a path, such as unix:/tmp/app.sock."
        raise UsageError(msg)
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        sock.setblocking(False)
        try:
            bind_unix(sock, address, address.mode if mode is None else mode)
            if address.owner:
                give_to(address)
            sock.listen(backlog)  # only now: nobody connects to a file that is not yet whose it is to be
            file = None if address.is_abstract else SocketFile.at(address.path)
        except OSError as error:
            raise refusal(error, address) from error
        undo.pop_all()
    return Listener(sock, address, file)


# --- inherited ---------------------------------------------------------------------------------------------------------------


def _adopt(address: InheritedAddress) -> Listener:
    try:
        sock = socket.socket(fileno=address.fd)
    except OSError as error:
        raise refusal(error, address) from error
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()  # it stays its owner's
        msg = (
            f"cannot listen on {address}: expected a listening stream socket, got one that does not listen."
            " Let whoever starts this process call listen() on it, or write host:port."
        )
        raise UsageError(msg)
    sock.setblocking(False)
    sock.set_inheritable(False)
    if sock.family in {socket.AF_INET, socket.AF_INET6}:
        _set_for_accepted(sock)
    return Listener(sock, _address_of(sock))


def _address_of(sock: socket.socket) -> TCPAddress | UnixAddress:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return UnixAddress(f"@{os.fsdecode(name[1:])}" if isinstance(name, bytes) else name)
    return TCPAddress(name[0], name[1])

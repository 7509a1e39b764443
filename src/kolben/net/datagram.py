"""The blocking form of datagrams, and how sockets for them come about in both forms."""

import select
import socket
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from kolben.base.errors import UsageError
from kolben.net._datagram import Datagram
from kolben.net.address import Address, UDPAddress, UnixDatagramAddress, parse_address
from kolben.net.binding import SocketFile, bind_unix
from kolben.net.bytelike import view_of
from kolben.net.errors import ClosedError, TimedOutError, UnknownHostError, stream_error
from kolben.net.peers import address_of
from kolben.net.refusal import connect_refusal, refusal
from kolben.net.resolving import Candidate, in_order, is_literal, unknown_host
from kolben.net.sockaddr import datagram_address, pack
from kolben.net.waiting import Waiters

__all__ = ["Datagram", "DatagramSocket", "bind", "open_bound", "open_connected"]

LARGEST = 65536  # bytes of a datagram


class DatagramSocket:
    """Datagrams from and to many peers, or one.  Owns its socket.

    Attributes:
        timeout: Seconds for each call that does not say otherwise; None waits for ever.
        peer_address: Whom it is connected to, or None.
    """

    def __init__(self, sock: socket.socket, *, peer_address: Address | None = None, file: SocketFile | None = None) -> None:
        """Take a bound or connected socket."""
        sock.setblocking(False)
        self.socket = sock
        self.timeout: float | None = None
        self.peer_address = peer_address
        self._file = file
        self._waiters = Waiters()

    def recv_from(self, max_bytes: int = LARGEST, *, timeout: float | None = None) -> Datagram:
        """Receive the next datagram: its data, who sent it, and whether it was longer than `max_bytes`.

        Raises:
            TimedOutError: nothing came within `timeout` seconds.
            RefusedError: of a connected socket: nobody is there.
        """
        deadline = self._deadline(timeout)
        while True:
            try:
                data, _, flags, name = self.socket.recvmsg(max_bytes)
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
            except OSError as error:
                raise self._translate(error) from error
            else:
                return Datagram(data, self._sender(name), bool(flags & socket.MSG_TRUNC))

    def recv(self, max_bytes: int = LARGEST, *, timeout: float | None = None) -> bytes:
        """Receive the data of the next datagram, for who knows its sender; b"" is one without data."""
        return self.recv_from(max_bytes, timeout=timeout).data

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Datagram:
        """The next datagram."""
        return self.recv_from()

    def send_to(self, data: bytes | bytearray | memoryview, address: str | Address, *, timeout: float | None = None) -> None:
        """Send one datagram to an address, which has no name to look up."""
        self._send(data, _name_of(datagram_address(pack(address))), timeout)

    def send_back(self, data: bytes | bytearray | memoryview, datagram: Datagram, *, timeout: float | None = None) -> None:
        """Send one datagram to who sent this one."""
        self.send_to(data, datagram.address, timeout=timeout)

    def send(self, data: bytes | bytearray | memoryview, *, timeout: float | None = None) -> None:
        """Send one datagram to the peer that the socket is connected to."""
        self._send(data, None, timeout)

    def _send(self, data: bytes | bytearray | memoryview, name: tuple[str, int] | str | bytes | None, timeout: float | None) -> None:
        deadline = self._deadline(timeout)
        view = view_of(data)
        while True:
            try:
                self.socket.send(view) if name is None else self.socket.sendto(view, name)
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)
            except OSError as error:
                raise self._translate(error) from error
            else:
                return

    def _sender(self, name: object) -> Address | None:
        if isinstance(name, tuple):
            return UDPAddress(name[0], name[1])
        if isinstance(name, bytes):
            return UnixDatagramAddress("@" + name[1:].decode("utf-8", "surrogateescape"))
        return UnixDatagramAddress(name) if isinstance(name, str) else self.peer_address

    def _deadline(self, timeout: float | None) -> float | None:
        if self.fileno() < 0:
            raise ClosedError(f"{self!r}: it is used after it was closed")
        timeout = self.timeout if timeout is None else timeout
        return None if timeout is None else time.monotonic() + timeout

    def _wait(self, event: int, deadline: float | None) -> None:
        if not self._waiters.wait(self.socket, event, deadline):
            raise TimedOutError(f"{self!r}: {'nothing came' if event == select.POLLIN else 'the system took nothing'} in time")
        if self._waiters.is_over:
            raise self._closed_meanwhile()

    def _translate(self, error: OSError) -> OSError:
        return self._closed_meanwhile() if self.fileno() < 0 else stream_error(error.errno or 0, self)

    def _closed_meanwhile(self) -> ClosedError:
        return ClosedError(f"{self!r}: it was closed while it was used")

    def fileno(self) -> int:
        """Its descriptor; -1 once closed."""
        return self.socket.fileno()

    def close(self) -> None:
        """Close, and remove the file of a Unix socket that it made.  Once is enough, more is fine.

        A thread that waits in a call of this socket gets a ClosedError.
        """
        self._waiters.end()
        self.socket.close()
        file, self._file = self._file, None
        if file:
            file.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    @property
    def local_address(self) -> Address:
        """This end."""
        return address_of(self.socket)

    def __repr__(self) -> str:
        if self.fileno() < 0:
            return "<DatagramSocket closed>"
        return f"<DatagramSocket {self.local_address}{'' if self.peer_address is None else f' to {self.peer_address}'}>"


# --- how they come about -----------------------------------------------------------------------------------------------------


def bind(address: str | Address, *, mode: int | None = None, reuse_port: bool = False) -> DatagramSocket:
    """Open a socket that receives datagrams at `udp://host:port` or `unix-dgram:/path`.

    Args:
        address: Where.
        mode: Permissions of a Unix socket's file, such as 0o660; None leaves them to the umask.
        reuse_port: Share the port with other sockets that say so too, as workers do: the system deals datagrams out by sender.

    Raises:
        UsageError: it cannot be done; the message says why and what to do.  Also a ListenError if the system refused.
    """
    sock, file = open_bound(address, mode=mode, reuse_port=reuse_port)
    return DatagramSocket(sock, file=file)


def open_bound(address: str | Address, *, mode: int | None = None, reuse_port: bool = False) -> tuple[socket.socket, SocketFile | None]:
    """Do what bind() does, for either form."""
    target = parse_address(address, deed="bind")
    if isinstance(target, UnixDatagramAddress):
        return _bind_unix(target, mode)
    if isinstance(target, UDPAddress):
        return _bind_udp(target, reuse_port=reuse_port), None
    raise UsageError(f"cannot bind {target}: expected udp://host:port or unix-dgram:/path. For connections call listen().")


def _bind_udp(target: UDPAddress, *, reuse_port: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(target.host or None, target.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        advice = "Write 127.0.0.1 for this machine alone or 0.0.0.0 for every interface."
        message = f"cannot listen on {target}: the host name {target.host!r} is not known here ({error.strerror}). {advice}"
        raise UnknownHostError(message, error.errno) from error
    family, _, _, _, name = found[0]
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            sock.bind(name)
        except OSError as error:
            raise refusal(error, target) from error
        undo.pop_all()
    return sock


def _bind_unix(target: UnixDatagramAddress, mode: int | None) -> tuple[socket.socket, SocketFile | None]:
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        try:
            bind_unix(sock, target, mode)
            file = None if target.is_abstract else SocketFile.at(target.path)
        except OSError as error:
            raise refusal(error, target) from error
        undo.pop_all()
    return sock, file


def candidate_of(target: UDPAddress) -> Candidate:
    """Look a peer up.

    Raises:
        UnknownHostError: there is none of that name.
    """
    flags = socket.AI_NUMERICHOST if is_literal(target.host) else 0
    try:
        return in_order(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM, flags=flags))[0]
    except OSError as error:
        raise unknown_host(target, error) from error


def open_connected(
    target: UDPAddress | UnixDatagramAddress, candidate: Candidate | None, local: str | Address | None
) -> tuple[socket.socket, SocketFile | None]:
    """Open a socket that sends to one peer, and receives from it alone."""
    file = None
    if local is not None:
        sock, file = open_bound(parse_address(local, deed="connect from"))
    elif candidate is None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    else:
        sock = socket.socket(candidate[0], socket.SOCK_DGRAM)
    with ExitStack() as undo:
        undo.callback(sock.close)
        try:
            if candidate is None and local is None:
                sock.bind("")  # a name of the system's choice, so that the peer can answer (Linux)
            sock.connect(_name_of(target) if candidate is None else candidate[1])
        except OSError as error:
            raise connect_refusal(error, target) from error
        undo.pop_all()
    return sock, file


def _name_of(target: UDPAddress | UnixDatagramAddress) -> tuple[str, int] | str | bytes:
    if isinstance(target, UDPAddress):
        return target.host, target.port
    return b"\0" + target.path[1:].encode("utf-8", "surrogateescape") if target.is_abstract else target.path

"""The awaiting form of sockets: the same names as `kolben.net`, for tasks of an asyncio loop.

Streams and datagrams are native, behind one poller nested in the loop (`_hub`, `_endpoint`); policy and rare calls are here.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from kolben.base.errors import UsageError
from kolben.net import _stream
from kolben.net import listener as blocking
from kolben.net._acceptor import Acceptor
from kolben.net._datagram import Datagram, DatagramSocket
from kolben.net._walker import create_task
from kolben.net.address import Address, TCPAddress, TLSAddress, UDPAddress, UnixAddress, UnixDatagramAddress, parse_address
from kolben.net.connecting import default_context, make_socket, read_local
from kolben.net.datagram import open_bound, open_connected
from kolben.net.errors import ClosedError
from kolben.net.listener import BACKLOG
from kolben.net.peers import PeerCredentials, credentials_of
from kolben.net.refusal import connect_refusal
from kolben.net.resolving import ATTEMPT_DELAY, Candidate, in_order, is_literal, read_target, unknown_host

if TYPE_CHECKING:
    from ssl import SSLContext

    from kolben.net._endpoint import Operation
    from kolben.net.tls import Layer

__all__ = ["Datagram", "DatagramSocket", "Listener", "Stream", "bind", "connect", "create_task", "listen"]

T = TypeVar("T")


class Stream(_stream.Stream):
    """A connection to one peer, for tasks of the loop that was running when it was made.

    One task receives at a time; several may send.
    """

    __slots__ = ()

    def _borrow(self) -> socket.socket:
        """Its socket under another descriptor, for what happens rarely; to be closed."""
        return socket.socket(fileno=os.dup(self.fileno()))

    @property
    def peer_credentials(self) -> PeerCredentials:
        """Which process is at the other end of a Unix socket: pid, uid and gid when it connected."""
        with self._borrow() as sock:
            return credentials_of(sock)

    def getsockopt(self, level: int, option: int, *size: int) -> int | bytes:
        """Ask for an option, as `socket` does."""
        with self._borrow() as sock:
            return sock.getsockopt(level, option, *size)

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option, as `socket` does."""
        with self._borrow() as sock:
            sock.setsockopt(level, option, value)

    async def start_tls(
        self,
        context: "SSLContext",
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Speak TLS from here on, on the same connection: returns after the handshake, for which it has 10 s if nobody says otherwise.

        Raises:
            TLSError: the peers do not agree, or bytes came before the handshake.
        """
        self.begin_tls(_layer(self, context, server_side=server_side, server_hostname=server_hostname))
        await self.handshake(timeout=_first(timeout, self.timeout))

    async def send_fds(self, data: bytes, fds: Sequence[int]) -> None:
        """Send descriptors to the process at the other end of a Unix socket, with at least one byte of data.

        They stay open here.
        """
        with self._borrow() as sock:
            sent = 0
            while not sent:
                try:
                    sent = socket.send_fds(sock, [data], fds)
                except BlockingIOError:
                    await self.wait_writable()
        await self.send(data[sent:])

    async def recv_fds(self, max_bytes: int = 65536, max_fds: int = 16) -> tuple[bytes, list[int]]:
        """Receive data and the descriptors that came with it, which are now this process's to close."""
        with self._borrow() as sock:
            while True:
                try:
                    data, fds, _, _ = socket.recv_fds(sock, max_bytes, max_fds)
                except BlockingIOError:
                    await self.wait_readable()
                else:
                    for fd in fds:
                        os.set_inheritable(fd, False)
                    return data, fds


def _first(timeout: float | None, default: float | None) -> float:
    from kolben.net.tls import HANDSHAKE

    return next((seconds for seconds in (timeout, default) if seconds is not None), HANDSHAKE)


def _layer(stream: _stream.Stream, context: "SSLContext", *, server_side: bool, server_hostname: str | None) -> "Layer":
    from kolben.net.tls import Layer

    return Layer(context, server_side=server_side, server_hostname=server_hostname, name=f"connection with {stream.peer_address}")


def _server_layer(context: "SSLContext", stream: _stream.Stream) -> "Layer":
    return _layer(stream, context, server_side=True, server_hostname=None)


class Listener:
    """A listening socket for tasks.  Owns a blocking form's listener.  Asynchronous iteration yields streams.

    Attributes:
        address: Where it listens.
        timeout: Seconds for each call of accept() that does not say otherwise; None waits for ever.
    """

    def __init__(self, listener: blocking.Listener) -> None:
        """Take an open listener, in a running loop."""
        self.address = listener.address
        self.timeout: float | None = None
        self._listener = listener
        start = None if listener.tls is None else partial(_server_layer, listener.tls)
        self._acceptor = Acceptor(listener, Stream, start)

    def accept(self, timeout: float | None = None) -> "Operation[Stream]":
        """Wait for the next connection; to be awaited.

        Raises:
            TimedOutError: nobody connected within `timeout` seconds.
        """
        return self._acceptor.accept(self.timeout if timeout is None else timeout)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Stream:
        try:
            return await self.accept()
        except ClosedError:
            raise StopAsyncIteration from None

    def fileno(self) -> int:
        """Its descriptor; -1 once closed."""
        return self._listener.fileno()

    def close(self) -> None:
        """Listen no longer; streams that were accepted stay open.  Once is enough, more is fine."""
        self._acceptor.close()
        self._listener.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._listener)


async def listen(address: str | Address, backlog: int = BACKLOG, *, mode: int | None = None, tls: "SSLContext | None" = None) -> Listener:
    """Open one listener, as `kolben.net.listen` does; a name is looked up without holding the loop up."""
    address = parse_address(address)
    return Listener(await _beside_the_loop(address, partial(blocking.listen, address, backlog, mode=mode, tls=tls)))


async def bind(address: str | Address, *, mode: int | None = None, reuse_port: bool = False) -> DatagramSocket:
    """Open a socket that receives datagrams, as `kolben.net.bind` does; a name is looked up without holding the loop up."""
    address = parse_address(address, deed="bind")
    sock, file = await _beside_the_loop(address, partial(open_bound, address, mode=mode, reuse_port=reuse_port))
    return DatagramSocket(sock, file=file)


async def _beside_the_loop(address: Address | None, opening: Callable[[], T]) -> T:
    """Open a socket: in a thread, if its address has a name that the system has to look up."""
    if isinstance(address, (TCPAddress, TLSAddress, UDPAddress)) and address.host and not is_literal(address.host):
        return await asyncio.get_running_loop().run_in_executor(None, opening)
    return opening()


@overload
async def connect(
    address: TCPAddress | TLSAddress | UnixAddress,
    *,
    timeout: float | None = None,
    tls: "SSLContext | None" = None,
    local: str | Address | None = None,
) -> Stream: ...


@overload
async def connect(
    address: UDPAddress | UnixDatagramAddress, *, timeout: float | None = None, local: str | Address | None = None
) -> DatagramSocket: ...


@overload
async def connect(
    address: str, *, timeout: float | None = None, tls: "SSLContext | None" = None, local: str | Address | None = None
) -> Any: ...


async def connect(
    address: str | Address,
    *,
    timeout: float | None = None,
    tls: "SSLContext | None" = None,
    local: str | Address | None = None,
) -> Stream | DatagramSocket:
    """Connect, as `kolben.net.connect` does, without holding the loop up."""
    target = read_target(address)
    try:
        async with asyncio.timeout(timeout):
            return await _connect(target, tls, local)
    except TimeoutError as error:
        if error.errno is None:
            raise connect_refusal(error, target) from error
        raise


async def _connect(target: Address, tls: "SSLContext | None", local: str | Address | None) -> Stream | DatagramSocket:
    if isinstance(target, (UDPAddress, UnixDatagramAddress)):
        candidate = (await _candidates(target, socket.SOCK_DGRAM))[0] if isinstance(target, UDPAddress) else None
        own = None if local is None else parse_address(local, deed="connect from")
        sock, file = await _beside_the_loop(own, partial(open_connected, target, candidate, own))
        return DatagramSocket(sock, peer_address=target, file=file)
    if isinstance(target, UnixAddress):
        return await _connect_unix(target)
    if not isinstance(target, (TCPAddress, TLSAddress)):
        raise UsageError(f"cannot connect to {target}: expected whom to connect to. Write host:port or unix:/path.")
    stream = await _race(target, await _candidates(target), local)
    if tls is not None or isinstance(target, TLSAddress):
        with ExitStack() as undo:
            undo.callback(stream.abort)
            await stream.start_tls(tls or default_context(), server_hostname=target.host)
            undo.pop_all()
    return stream


async def _candidates(target: TCPAddress | TLSAddress | UDPAddress, kind: int = socket.SOCK_STREAM) -> list[Candidate]:
    if is_literal(target.host):
        return in_order(socket.getaddrinfo(target.host, target.port, type=kind, flags=socket.AI_NUMERICHOST))
    try:
        return in_order(await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=kind))
    except OSError as error:
        raise unknown_host(target, error) from error


async def _connect_unix(target: UnixAddress) -> Stream:
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        sock.setblocking(False)
        try:
            sock.connect("\0" + target.path[1:] if target.is_abstract else target.path)
        except OSError as error:
            raise connect_refusal(error, target) from error
        return Stream(sock, peer_address=target)


async def _attempt(target: Address, candidate: Candidate, local: str | Address | None) -> Stream:
    with ExitStack() as undo:
        own = None if local is None else read_local(local)
        sock = undo.enter_context(await _beside_the_loop(own, partial(make_socket, candidate, own)))
        code = sock.connect_ex(candidate[1])
        if code not in {0, errno.EINPROGRESS}:
            raise OSError(code, os.strerror(code))
        stream = Stream(sock, peer_address=TCPAddress(*candidate[1][:2]), connecting=True)
        undo.callback(stream.abort)
        await stream.connected()
        undo.pop_all()
    return stream


async def _race(target: TCPAddress | TLSAddress, candidates: Sequence[Candidate], local: str | Address | None) -> Stream:
    """Begin an attempt every ATTEMPT_DELAY, or when one failed; the first that is connected wins, the others are closed."""
    if len(candidates) == 1:
        try:
            return await _attempt(target, candidates[0], local)
        except OSError as error:
            raise connect_refusal(error, target) from error
    waiting = list(candidates)
    begun: set[asyncio.Task[Stream]] = set()
    failure: BaseException = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    try:
        while waiting or begun:
            if waiting:
                begun.add(asyncio.create_task(_attempt(target, waiting.pop(0), local)))
            ended, begun = await asyncio.wait(begun, timeout=ATTEMPT_DELAY if waiting else None, return_when=asyncio.FIRST_COMPLETED)
            won = [task.result() for task in ended if task.exception() is None]
            for extra in won[1:]:
                extra.abort()
            if won:
                return won[0]
            failure = next((task.exception() or failure for task in ended), failure)
        if not isinstance(failure, OSError):
            raise failure
        raise connect_refusal(failure, target) from failure
    finally:
        for task in begun:
            task.cancel()
        for outcome in await asyncio.gather(*begun, return_exceptions=True):
            if isinstance(outcome, Stream):
                outcome.abort()

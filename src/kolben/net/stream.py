"""The blocking form of streams: bytes to and from one peer, for a thread of one's own.

The same names as the awaiting form (`kolben.net.aio`).  A deadline belongs to a whole call, in however many pieces the bytes come.
"""

import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from kolben.base.errors import LimitExceeded
from kolben.net.address import Address
from kolben.net.bytelike import view_of
from kolben.net.errors import ClosedError, IncompleteReadError, TimedOutError, TLSError, stream_error
from kolben.net.peers import PeerCredentials, address_of, credentials_of
from kolben.net.waiting import Waiters

if TYPE_CHECKING:
    from ssl import SSLContext

    from kolben.net.tls import Layer

__all__ = ["Stream"]

PIECE = 65536  # bytes that one receive takes at most
LINE_LIMIT = 65536  # bytes of a line
_T = TypeVar("_T")
_LINGER = struct.Struct("2i")  # struct linger


class Stream:
    """A connection to one peer.  Owns its socket.  One thread receives and one sends at a time.

    Attributes:
        timeout: Seconds for each call that does not say otherwise; None waits for ever.
        line_limit: Bytes of a line, for iteration over lines.
    """

    def __init__(self, sock: socket.socket, *, timeout: float | None = None, peer_address: Address | None = None) -> None:
        """Take a connected socket."""
        sock.setblocking(False)  # each call waits by itself, so that two threads do not share one deadline
        self.socket = sock
        self.timeout = timeout
        self.line_limit = LINE_LIMIT
        self._peer_address = peer_address
        self._local_address: Address | None = None
        self._input = bytearray()
        self._tls: Layer | None = None
        self._tls_state = threading.Lock()  # of the layer, for one thread receives and one sends
        self._tls_sending = threading.Lock()  # what the layer wants sent goes out in its order
        self._closed = False
        self._waiters = Waiters()

    # --- receiving -----------------------------------------------------------------------------------------------------------

    def recv(self, max_bytes: int = PIECE, *, timeout: float | None = None) -> bytes:
        """Receive what is there, 1 to `max_bytes` bytes; b"" at the end: the peer sends no more.

        Raises:
            TimedOutError: nothing came within `timeout` seconds.
            ResetError: the peer cut the connection.
        """
        if max_bytes < 1:
            raise ValueError(f"max_bytes: expected 1 or more, got {max_bytes}")
        if self._input:
            return self._take(max_bytes)
        return self._receive(max_bytes, self._deadline(timeout))

    def recv_into(self, buffer: bytearray | memoryview, *, timeout: float | None = None) -> int:
        """Receive into a writable buffer; return how many bytes, 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self.recv(len(view), timeout=timeout)
        view[: len(data)] = data
        return len(data)

    def recv_exactly(self, n: int, *, timeout: float | None = None) -> bytes:
        """Receive n bytes, neither more nor fewer.

        Raises:
            IncompleteReadError: the peer closed before; `partial` is what came.
        """
        deadline = self._deadline(timeout)
        while len(self._input) < n:
            if not self._take_in(deadline):
                partial = self._take(n)
                raise IncompleteReadError(f"{self!r}: expected {n} bytes, got {len(partial)} before the peer closed", partial, n)
        return self._take(n)

    def recv_until(self, separator: bytes, max_bytes: int = LINE_LIMIT, *, timeout: float | None = None) -> bytes:
        """Receive up to and with the separator.

        Raises:
            LimitExceeded: it is not within `max_bytes`; what came stays for the next call.
            IncompleteReadError: the peer closed before; `partial` is what came.
        """
        found = self._find(bytes(view_of(separator)), max_bytes, self._deadline(timeout))
        if found:
            return self._take(found)
        message = f"{self!r}: expected {separator!r}, got the end of what the peer sends"
        raise IncompleteReadError(message, self._take(max_bytes))

    def __iter__(self) -> Self:
        """Lines, each with its end; the last one may have none."""
        return self

    def __next__(self) -> bytes:
        line = self._take(self._find(b"\n", self.line_limit, self._deadline(None)) or self.line_limit)
        if not line:
            raise StopIteration
        return line

    def _find(self, separator: bytes, limit: int, deadline: float | None) -> int:
        """Receive until the separator is there; return where it ends, 0 if the peer closed before."""
        if not separator:
            raise ValueError("expected a separator of 1 byte or more, got none")
        searched = 0
        while True:
            at = self._input.find(separator, searched)
            if 0 <= at <= limit - len(separator):
                return at + len(separator)
            if at >= 0 or len(self._input) >= limit:
                raise LimitExceeded(f"{self!r}: no {separator!r} within {limit} bytes", status=413)
            searched = max(len(self._input) - len(separator) + 1, 0)
            if not self._take_in(deadline):
                return 0

    def _take_in(self, deadline: float | None) -> int:
        data = self._receive(PIECE, deadline)
        self._input += data
        return len(data)

    def _take(self, n: int) -> bytes:
        data = bytes(self._input[:n])
        del self._input[:n]
        return data

    def _receive(self, n: int, deadline: float | None) -> bytes:
        if self._tls is None:
            return self._receive_raw(n, deadline)
        while True:
            self._shake_hands(self._tls, deadline)
            with self._tls_state:
                data = self._tls.read(n)
            self._flush_tls(self._tls, deadline)
            if data is not None:
                return data
            self._feed_tls(self._tls, deadline)

    def _receive_raw(self, n: int, deadline: float | None) -> bytes:
        return self._call(lambda: self.socket.recv(n), select.POLLIN, deadline)

    # --- sending -------------------------------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview, *, timeout: float | None = None) -> None:
        """Send all of it: returns when the system has taken it.

        Raises:
            TimedOutError: the peer did not receive within `timeout` seconds; an unknown part is sent.
            ResetError: the peer cut the connection; BrokenError: it receives no more.
        """
        deadline = self._deadline(timeout)
        if self._tls is None:
            self._send_raw(data, deadline)
            return
        self._shake_hands(self._tls, deadline)
        with self._tls_state:
            self._tls.write(data)
        self._flush_tls(self._tls, deadline)

    def _send_raw(self, data: bytes | bytearray | memoryview, deadline: float | None) -> None:
        view = view_of(data)
        while view:
            view = view[self._call(partial(self.socket.send, view), select.POLLOUT, deadline) :]

    def send_eof(self) -> None:
        """Send no more; the peer receives b"" after what was sent.  Receiving goes on."""
        deadline = self._deadline(None)
        self._finish_tls(deadline)
        self._call(lambda: self.socket.shutdown(socket.SHUT_WR), select.POLLOUT, deadline)

    def send_fds(self, data: bytes, fds: list[int]) -> None:
        """Send descriptors to the process at the other end of a Unix socket, with at least one byte of data.

        They stay open here.
        """
        deadline = self._deadline(None)
        sent = self._call(lambda: socket.send_fds(self.socket, [data], fds), select.POLLOUT, deadline)
        self._send_raw(data[sent:], deadline)

    def recv_fds(self, max_bytes: int = PIECE, max_fds: int = 16) -> tuple[bytes, list[int]]:
        """Receive data and the descriptors that came with it, which are now this process's to close."""
        deadline = self._deadline(None)
        data, fds, _, _ = self._call(lambda: socket.recv_fds(self.socket, max_bytes, max_fds), select.POLLIN, deadline)
        for fd in fds:
            os.set_inheritable(fd, False)
        return data, fds

    # --- TLS -----------------------------------------------------------------------------------------------------------------

    def start_tls(
        self,
        context: "SSLContext",
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        timeout: float | None = None,
        now: bool = True,
    ) -> None:
        """Speak TLS from here on, on the same connection: returns after the handshake, for which it has 10 s if nobody says otherwise.

        Args:
            context: Who we are, and whom we trust.
            server_side: We have the certificate.
            server_hostname: The name that the peer's certificate has to have.
            timeout: Seconds for the handshake.
            now: False leaves the handshake to the first call that sends or receives.

        Raises:
            TLSError: the peers do not agree, or bytes came before the handshake.
        """
        from kolben.net.tls import HANDSHAKE, Layer

        if self._input or self._tls:
            came = f"{len(self._input)} bytes came in the open before TLS: somebody may have put them in"
            raise TLSError(f"{self!r}: {'it speaks TLS already' if self._tls else came}")
        name = f"connection with {self.peer_address}"
        self._tls = Layer(context, server_side=server_side, server_hostname=server_hostname, name=name)
        if now:
            waits = (timeout, self.timeout, HANDSHAKE)
            self._shake_hands(self._tls, self._deadline(next(seconds for seconds in waits if seconds is not None)))

    def _shake_hands(self, tls: "Layer", deadline: float | None) -> None:
        while not tls.is_ready:
            try:
                with self._tls_state:
                    ready = tls.shake_hands()
            finally:
                self._flush_tls(tls, deadline)
            if not ready:
                self._feed_tls(tls, deadline)

    def _feed_tls(self, tls: "Layer", deadline: float | None) -> None:
        data = self._receive_raw(PIECE, deadline)
        with self._tls_state:
            tls.receive_data(data)

    def _flush_tls(self, tls: "Layer", deadline: float | None) -> None:
        if tls.has_output:
            with self._tls_sending:
                with self._tls_state:
                    data = tls.data_to_send()
                self._send_raw(data, deadline)

    def _finish_tls(self, deadline: float | None) -> None:
        if self._tls is not None:
            with self._tls_state:
                self._tls.finish()
            self._flush_tls(self._tls, deadline)

    # --- ending --------------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close.  Once is enough, more is fine.  A thread that waits in a call of this stream gets a ClosedError."""
        if not self._closed:
            self._remember_peer()
            with suppress(OSError):  # a peer that does not receive has no say in when this is over
                self._finish_tls(0)
            self._closed = True
            self._waiters.end()
            self.socket.close()

    def abort(self) -> None:
        """Close at once, and let the peer know that it is not the end: a reset.  What is not sent is lost."""
        if not self._closed:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.pack(1, 0))
            self._tls = None
            self.close()

    def fileno(self) -> int:
        """Its descriptor; -1 once closed."""
        return self.socket.fileno()

    @property
    def is_closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    # --- who -----------------------------------------------------------------------------------------------------------------

    @property
    def peer_address(self) -> Address:
        """The other end."""
        return self._remember_peer()

    def _remember_peer(self) -> Address:
        if self._peer_address is None:
            self._peer_address = address_of(self.socket, of_peer=True)
        return self._peer_address

    @property
    def local_address(self) -> Address:
        """This end."""
        if self._local_address is None:
            self._ensure_open()
            self._local_address = address_of(self.socket)
        return self._local_address

    @property
    def peer_credentials(self) -> PeerCredentials:
        """Which process is at the other end of a Unix socket: pid, uid and gid when it connected."""
        self._ensure_open()
        return credentials_of(self.socket)

    def getsockopt(self, level: int, option: int, *size: int) -> Any:
        """Ask for an option, as `socket` does."""
        return self.socket.getsockopt(level, option, *size)

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option, as `socket` does."""
        self.socket.setsockopt(level, option, value)

    def __repr__(self) -> str:
        return f"<Stream {self.peer_address}{' closed' if self._closed else ''}>"

    # --- deadlines and errors ------------------------------------------------------------------------------------------------

    def _ensure_open(self) -> None:
        if self._closed:
            raise ClosedError(f"{self!r}: it is used after it was closed")

    def _deadline(self, timeout: float | None) -> float | None:
        self._ensure_open()
        timeout = self.timeout if timeout is None else timeout
        return None if timeout is None else time.monotonic() + timeout

    def _call(self, function: Callable[[], _T], event: int, deadline: float | None) -> _T:
        """Call the system, wait as long as it has to, and say what its errors mean."""
        while True:
            try:
                return function()
            except BlockingIOError:
                self._wait(event, deadline)
            except OSError as error:
                raise self._translate(error) from error

    def _wait(self, event: int, deadline: float | None) -> None:
        self._ensure_open()
        if not self._waiters.wait(self.socket, event, deadline):
            raise TimedOutError(f"{self!r}: the peer did not {'send' if event == select.POLLIN else 'receive'} in time")
        if self._waiters.is_over:
            raise self._closed_meanwhile()

    def _translate(self, error: OSError) -> OSError:
        return self._closed_meanwhile() if self._closed else stream_error(error.errno or 0, self)

    def _closed_meanwhile(self) -> ClosedError:
        return ClosedError(f"{self!r}: it was closed while it was used")

"""The blocking form of streams: bytes to and from one peer, for a thread of one's own.

The same names as the awaiting form (`kolben.net.aio`).  A deadline belongs to a whole call, in however many pieces the bytes come.
"""

import os
import socket
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kolben.base.errors import LimitExceeded
from kolben.net.address import Address
from kolben.net.errors import ClosedError, IncompleteReadError, TimedOutError, TLSError, stream_error
from kolben.net.peers import PeerCredentials, address_of, credentials_of

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["Stream"]

PIECE = 65536  # bytes that one receive takes at most
LINE_LIMIT = 65536  # bytes of a line


class Stream:
    """A connection to one peer.  Owns its socket.  One thread receives and one sends at a time.

    Attributes:
        timeout: Seconds for each call that does not say otherwise; None waits for ever.
        line_limit: Bytes of a line, for iteration over lines.
    """

    def __init__(self, sock: socket.socket, *, timeout: float | None = None, peer_address: Address | None = None) -> None:
        """Take a connected socket."""
        self.socket = sock
        self.timeout = timeout
        self.line_limit = LINE_LIMIT
        self._peer_address = peer_address
        self._local_address: Address | None = None
        self._input = bytearray()
        self._closed = False

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
        self._wait_at_most(self._deadline(timeout), "the peer did not send")
        return self._receive(max_bytes)

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
        found = self._find(separator, max_bytes, self._deadline(timeout))
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
        self._wait_at_most(deadline, "the peer did not send")
        data = self._receive(PIECE)
        self._input += data
        return len(data)

    def _take(self, n: int) -> bytes:
        data = bytes(self._input[:n])
        del self._input[:n]
        return data

    def _receive(self, n: int) -> bytes:
        try:
            return self.socket.recv(n)
        except OSError as error:
            raise self._translate(error, "the peer did not send") from error

    # --- sending -------------------------------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview, *, timeout: float | None = None) -> None:
        """Send all of it: returns when the system has taken it.

        Raises:
            TimedOutError: the peer did not receive within `timeout` seconds; an unknown part is sent.
            ResetError: the peer cut the connection; BrokenError: it receives no more.
        """
        self._wait_at_most(self._deadline(timeout), "the peer did not receive")
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise self._translate(error, "the peer did not receive") from error

    def send_eof(self) -> None:
        """Send no more; the peer receives b"" after what was sent.  Receiving goes on, but for TLS, whose peer then ends as well."""
        self._ensure_open()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise self._translate(error, "the peer did not receive") from error

    def send_fds(self, data: bytes, fds: list[int]) -> None:
        """Send descriptors to the process at the other end of a Unix socket, with at least one byte of data.

        They stay open here.
        """
        self._wait_at_most(self._deadline(None), "the peer did not receive")
        try:
            sent = socket.send_fds(self.socket, [data], fds)
        except OSError as error:
            raise self._translate(error, "the peer did not receive") from error
        self.send(data[sent:])

    def recv_fds(self, max_bytes: int = PIECE, max_fds: int = 16) -> tuple[bytes, list[int]]:
        """Receive data and the descriptors that came with it, which are now this process's to close."""
        self._wait_at_most(self._deadline(None), "the peer did not send")
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, max_bytes, max_fds)
        except OSError as error:
            raise self._translate(error, "the peer did not send") from error
        for fd in fds:
            os.set_inheritable(fd, False)
        return data, fds

    # --- TLS -----------------------------------------------------------------------------------------------------------------

    def start_tls(
        self, context: "SSLContext", *, server_side: bool = False, server_hostname: str | None = None, timeout: float | None = None
    ) -> None:
        """Speak TLS from here on, on the same connection: returns after the handshake.

        Raises:
            TLSError: the peers do not agree, or bytes came before the handshake.
        """
        if self._input:
            raise TLSError(
                f"{self!r}: {len(self._input)} bytes came in the open after the last call and before TLS: somebody may have put them in"
            )
        self._wait_at_most(self._deadline(timeout), "the TLS handshake did not end")
        try:
            self.socket = context.wrap_socket(self.socket, server_side=server_side, server_hostname=server_hostname)
        except OSError as error:
            raise self._translate(error, "the TLS handshake did not end") from error

    # --- ending --------------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close.  Once is enough, more is fine."""
        if not self._closed:
            self._remember_peer()
            self._closed = True
            self.socket.close()

    def abort(self) -> None:
        """Close at once, and let the peer know that it is not the end: a reset.  What is not sent is lost."""
        if not self._closed:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
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
        timeout = self.timeout if timeout is None else timeout
        return None if timeout is None else time.monotonic() + timeout

    def _wait_at_most(self, deadline: float | None, problem: str) -> None:
        """Let the next call of the system wait until then, and no longer."""
        self._ensure_open()
        if deadline is None:
            self.socket.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOutError(f"{self!r}: {problem} in time")
        self.socket.settimeout(left)

    def _translate(self, error: OSError, problem: str) -> OSError:
        if self._closed:  # by another thread
            return ClosedError(f"{self!r}: it was closed while it was used")
        if isinstance(error, TimeoutError) and error.errno is None:
            return TimedOutError(f"{self!r}: {problem} in time")
        if type(error).__module__ == "ssl":
            return TLSError(f"{self!r}: {error.args[-1]}")
        return stream_error(error.errno or 0, self)

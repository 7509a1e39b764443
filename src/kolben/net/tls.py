"""TLS over any stream: a layer of bytes in, bytes out, without a socket.

Python's ssl does the cryptography; the stream carries what it wants carried.  Nothing here waits.
"""

import ssl

from kolben.net.bytelike import view_of
from kolben.net.errors import TLSError

__all__ = ["HANDSHAKE", "Layer"]

HANDSHAKE = 10.0  # seconds that a handshake may take if nobody says otherwise


class Layer:
    """One connection's TLS.

    Attributes:
        is_ready: The handshake is done.
        is_over: The peer said that it sends no more.
    """

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None, name: str) -> None:
        """Begin; `name` says what connection it is, for errors."""
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self.object = context.wrap_bio(self._received, self._to_send, server_side=server_side, server_hostname=server_hostname)
        self.is_ready = False
        self.is_over = False
        self._name = name

    def receive_data(self, data: bytes) -> None:
        """Take what came from the peer; b"" means that it sends no more."""
        if data:
            self._received.write(data)
        else:
            self._received.write_eof()

    @property
    def has_output(self) -> bool:
        """Whether data_to_send() has something."""
        return self._to_send.pending > 0

    def data_to_send(self) -> bytes:
        """What is to go to the peer now."""
        return self._to_send.read()

    def shake_hands(self) -> bool:
        """Go on with the handshake; False: the peer has to send more first."""
        if not self.is_ready:
            try:
                self.object.do_handshake()
            except ssl.SSLWantReadError:
                return False
            except ssl.SSLError as error:
                raise self._error(error) from error
            self.is_ready = True
        return True

    def read(self, n: int) -> bytes | None:
        """Up to n bytes that the peer sent; b"" at the end, None if it has to send more first."""
        try:
            data = self.object.read(n)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            data = b""
        except ssl.SSLError as error:
            raise self._error(error) from error
        self.is_over = not data
        return data

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; after the handshake."""
        view = view_of(data)
        while view:
            try:
                view = view[self.object.write(view) :]
            except ssl.SSLError as error:
                raise self._error(error) from error

    def finish(self) -> None:
        """Tell the peer that nothing more will come; it may go on sending."""
        if self.is_ready:
            try:
                self.object.unwrap()
            except (ssl.SSLError, OSError):
                return  # its answer is not waited for

    def _error(self, error: ssl.SSLError) -> TLSError:
        what = getattr(error, "verify_message", "") or (error.reason or "").replace("_", " ").lower() or str(error)
        return TLSError(f"{self._name}: TLS failed: {what}. {_advice(error)}", error.errno)


def _advice(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Check the host name, or give a context that trusts the peer's certificate."
    if isinstance(error, ssl.SSLEOFError):
        return "The peer closed without saying that it was done: what came may not be all."
    return "Check that the peer speaks TLS there, and which versions."

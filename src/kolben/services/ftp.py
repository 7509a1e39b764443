"""A folder over FTP (RFC 959, 2228, 4217), with the app's own answers to who may come and what they may do.

The protocol is pyftpdlib's; the connection is a service's as any other.  Each session has a thread of its own with pyftpdlib's small loop
in it, so `authenticate` and `may` can block, run in an app context, and count, drain and end with everything else.

SECURITY: without a certificate FTP sends passwords as they are.  With one, nobody logs in or transfers anything before TLS, unless
`require_tls` is off.
"""

from __future__ import annotations

import logging
import os
import socket
import warnings
from typing import TYPE_CHECKING, Any

from kolben.base import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kolben.net import Stream

__all__ = ["FTPSessions"]

READ = "elr"  # pyftpdlib's letters: enter, list, retrieve
WRITE = "adfmwT"  # append, delete, rename, make a folder, store, set a time; not M: permissions are the host's
ANONYMOUS = "anonymous"
REMEDY = "pip install 'kolben[ftp]'"


class FTPSessions:
    """Called with each connection: one FTP session, to its end.

    Args:
        folder: What is served; links that lead out of it are not followed.
        authenticate: Called with name and password; whether they may come in.  None: "anonymous" alone, with any password.
        may: Called with a name, "read" or "write", and a path such as "/reports/may.txt"; whether they may.  None: read, not write.
        passive_ports: Of data connections; None: any.
        public_address: Where clients reach this machine, if that is not the address that they come in by.
        certificate: A PEM file; makes it FTPS, by AUTH TLS.
        key: A PEM file; left out, it stands in the other one.
        require_tls: Refuse logins and transfers without TLS, if there is a certificate.
        timeout: Seconds that a session may do nothing.

    Raises:
        UsageError: pyftpdlib is not installed, or the folder is none.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        authenticate: Callable[[str, str], Any] | None = None,
        may: Callable[[str, str, str], Any] | None = None,
        passive_ports: Iterable[int] | None = None,
        public_address: str | None = None,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        require_tls: bool = True,
        timeout: int = 300,
    ) -> None:
        self.folder = os.path.realpath(folder)
        if not os.path.isdir(self.folder):
            raise UsageError(f"app.ftp: expected a folder, got {os.fspath(folder)!r}, which is none: make it first")
        options = {
            "authorizer": Authorizer(self.folder, authenticate, may),
            "passive_ports": None if passive_ports is None else list(passive_ports),
            "masquerade_address": public_address,
            "timeout": timeout,
            "banner": "ready",
        }
        if certificate is not None:
            options |= {"certfile": os.fspath(certificate), "keyfile": None if key is None else os.fspath(key)}
            options |= {"tls_control_required": require_tls, "tls_data_required": require_tls}
        self._handler, self._loop = classes(options, is_secure=certificate is not None)

    def __call__(self, stream: Stream) -> None:
        """Serve one session."""
        twin = socket.socket(fileno=os.dup(stream.fileno()))  # its own, to close; the service keeps the stream, to end it
        with self._loop() as loop:
            session = self._handler(twin, Front(twin.family), ioloop=loop)
            if session.connected:
                session.handle()
                loop.loop()  # until the session has closed all of its sockets


class Authorizer:
    """Answers pyftpdlib's questions by the app's functions.  Its names are pyftpdlib's."""

    def __init__(self, folder: str, authenticate: Callable[[str, str], Any] | None, may: Callable[[str, str, str], Any] | None) -> None:
        self._folder = folder
        self._authenticate = authenticate or (lambda name, _: name == ANONYMOUS)
        self._may = may or (lambda _, action, __: action == "read")

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        """Let them in, or raise."""
        if not self._authenticate(username, password):
            from pyftpdlib.exceptions import AuthenticationFailed

            raise AuthenticationFailed("Authentication failed.")

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """Whether they may do that there."""
        if perm not in READ and perm not in WRITE:
            return False
        return bool(self._may(username, "read" if perm in READ else "write", self._shown(path)))

    def get_perms(self, username: str) -> str:
        """What MLSD lists as permissions: those of the top; each command is asked about by itself."""
        return "".join(letters for letters in (READ, WRITE) if self.has_perm(username, letters[0]))

    def get_home_dir(self, username: str) -> str:
        """Where everybody is."""
        return self._folder

    def get_msg_login(self, username: str) -> str:
        """What is said to who comes."""
        return "Login successful."

    def get_msg_quit(self, username: str) -> str:
        """What is said to who goes."""
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Nobody becomes another user of the system."""

    def terminate_impersonation(self, username: str) -> None:
        """The same."""

    def _shown(self, path: str | None) -> str:
        """A path as a client writes it."""
        inside = os.path.relpath(path, self._folder) if path else "."
        return "/" if inside == "." else "/" + inside


class Front:
    """What a session asks of pyftpdlib's server, where ours is one."""

    backlog = 8  # of a passive data connection: one comes

    def __init__(self, family: int) -> None:
        self.socket = self
        self.family = family
        self.ip_map: list[str] = []  # connections are counted by the service

    def _accept_new_cons(self) -> bool:
        return True


def classes(options: dict[str, Any], *, is_secure: bool) -> tuple[Any, Any]:
    """Return pyftpdlib's classes of a session, with these options, and of its loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.11's, of asyncore: 3.12 and later have it as a package
            from pyftpdlib import handlers
            from pyftpdlib.ioloop import IOLoop

            base = handlers.TLS_FTPHandler if is_secure else handlers.FTPHandler  # the former only with pyOpenSSL
    except (ImportError, AttributeError) as error:
        raise UsageError(f"app.ftp: expected pyftpdlib{' and pyOpenSSL' if is_secure else ''}, got {error}: {REMEDY}") from error
    library = logging.getLogger("pyftpdlib")
    if not library.handlers:
        library.addHandler(logging.NullHandler())  # else it would set up the log of the whole process
    return type("Session", (base,), options), IOLoop

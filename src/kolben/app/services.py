"""Services beside HTTP: what an app listens to by TCP, UDP, Unix sockets and TLS, as decorators on functions.

Registered here, run by whoever serves the app: in its processes, with its limits, its stop, its log, and an app context around each call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from kolben.app.living import Living
from kolben.app.scaffold import setupmethod
from kolben.base import UsageError
from kolben.net import parse_address

if TYPE_CHECKING:
    import ssl

    from kolben.net.service import Service
    from kolben.services.service import Crew

__all__ = ["Services"]

F = TypeVar("F", bound=Callable[..., Any])


class Services(Living):
    """The ninth storey: what listens beside HTTP."""

    @property
    def services(self) -> list[Service]:
        """What listens beside HTTP, in the order of registration."""
        found: list[Service] = self.__dict__.setdefault("_services", [])
        return found

    @setupmethod
    def tcp(self, address: str, *, name: str = "", timeout: float | None = None, connections: int = 0) -> Callable[[F], F]:
        """Call the function with each connection's stream: `@app.tcp("127.0.0.1:12345")`.

        An async function runs on the loop; a plain one has a thread for the life of its connection and may block.  Closed when it returns,
        reset when it raises.

        Args:
            address: "host:port"; port 0 lets the system choose.
            name: For logs and lists; left out, the function's.
            timeout: Seconds that each call of the stream waits at most; left out, for ever.
            connections: How many may be open in each process; more wait.  Left out, `limits.connections`.
        """
        return self._stream_service(spec_of("tcp", address), name=name, timeout=timeout, connections=connections)

    @setupmethod
    def unix(self, path: str, *, name: str = "", timeout: float | None = None, connections: int = 0) -> Callable[[F], F]:
        """Call the function with each connection's stream: `@app.unix("/run/app.sock?mode=660")`.  Arguments are those of `tcp`."""
        spec = spec_of("unix", path if path.startswith("unix:") else f"unix:{path}")
        return self._stream_service(spec, name=name, timeout=timeout, connections=connections)

    @setupmethod
    def tls(
        self,
        address: str,
        *,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        context: ssl.SSLContext | None = None,
        name: str = "",
        timeout: float | None = None,
        connections: int = 0,
    ) -> Callable[[F], F]:
        """Call the function with each connection's stream, once TLS is agreed: `@app.tls("0.0.0.0:6697", certificate="cert.pem")`.

        Args:
            address: "host:port".
            certificate: A PEM file with the certificate and its chain.
            key: A PEM file with its key; left out, it stands in the other one.
            context: Instead of both, one that is ready.
            name: As for `tcp`.
            timeout: The same.
            connections: The same.
        """
        tls = context or server_context(address, certificate, key)
        return self._stream_service(spec_of("tls", address), name=name, timeout=timeout, connections=connections, tls=tls)

    @setupmethod
    def udp(self, address: str, *, name: str = "") -> Callable[[F], F]:
        """Call the function with each datagram; bytes that it returns go back: `@app.udp("127.0.0.1:5353")`.

        An async function is a task for each datagram; a plain one has a thread, which takes them in order.

        Args:
            address: "host:port".
            name: For logs and lists; left out, the function's.
        """

        def register(function: F) -> F:
            from kolben.services.datagrams import DatagramService

            service = DatagramService(function, spec_of("udp", address), name=name, context=self.app_context)
            self.services.append(service)
            return function

        return register

    @setupmethod
    def ftp(
        self,
        folder: str | os.PathLike[str],
        address: str = "127.0.0.1:2121",
        *,
        authenticate: Callable[[str, str], Any] | None = None,
        may: Callable[[str, str, str], Any] | None = None,
        name: str = "ftp",
        connections: int = 0,
        **options: Any,
    ) -> None:
        """Serve a folder over FTP: `app.ftp("shared", authenticate=check_password, may=allowed)`.  Needs `kolben[ftp]`.

        Args:
            folder: What is served; a relative path begins at the app's root.
            address: "host:port".
            authenticate: Called with name and password; whether they may come in.  Left out, "anonymous" alone.
            may: Called with a name, "read" or "write", and a path such as "/reports/may.txt"; whether they may.  Left out, read only.
            name: For logs and lists.
            connections: How many may be open in each process.
            options: `passive_ports`, `public_address`, `certificate`, `key`, `require_tls`, `timeout`: those of
                `kolben.services.ftp.FTPSessions`.

        Raises:
            UsageError: the extra is not installed, or the folder is none.
        """
        from kolben.services.ftp import FTPSessions

        sessions = FTPSessions(
            os.path.join(self.root_path, folder),
            authenticate=authenticate and self.ensure_sync(authenticate),
            may=may and self.ensure_sync(may),
            **options,
        )
        self._stream_service(spec_of("tcp", address), name=name, timeout=None, connections=connections)(sessions)

    def _stream_service(self, spec: str, **options: Any) -> Callable[[F], F]:
        def register(function: F) -> F:
            from kolben.services.streams import StreamService

            self.services.append(StreamService(function, spec, context=self.app_context, crew=self._crew(), **options))
            return function

        return register

    def _crew(self) -> Crew:
        from kolben.services.service import Crew

        crew: Crew = self.__dict__.setdefault("_service_crew", Crew())
        return crew


def spec_of(kind: str, address: str) -> str:
    """Check an address, and return it with its scheme.

    Raises:
        UsageError: it is none, or one of another kind.
    """
    scheme, mark, _ = address.partition("://")
    if mark and scheme != kind:
        raise UsageError(f"app.{kind}: expected an address such as {kind}://127.0.0.1:12345, got {address!r}: use app.{scheme} for it")
    spec = address if mark or kind == "unix" else f"{kind}://{address}"
    parse_address(spec)
    return spec


def server_context(address: str, certificate: str | os.PathLike[str] | None, key: str | os.PathLike[str] | None) -> ssl.SSLContext:
    """Make what a TLS server needs, of files.

    Raises:
        UsageError: they are not there, or not what they should be.
    """
    import ssl

    if certificate is None:
        raise UsageError(f"app.tls({address!r}): expected certificate= and key=, or context=, got none of them")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(f"app.tls({address!r}): expected PEM files, got certificate={certificate!r}, key={key!r}: {error}") from error
    return context

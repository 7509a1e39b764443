"""Decorators of services: TCP, UDP, Unix sockets and TLS, on an app as on a blueprint.

Addresses are checked here; nothing is opened.  Refuses to know what a service does, and who runs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from kolben.app.scaffold import Scaffold, setupmethod
from kolben.base import UsageError
from kolben.net import parse_address

if TYPE_CHECKING:
    import ssl

__all__ = ["Listening", "spec_of"]

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["streams", "datagrams"]


class Listening(Scaffold):
    """What can be listened to beside HTTP."""

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
        return self._service("streams", spec_of("tcp", address), name=name, timeout=timeout, connections=connections)

    @setupmethod
    def unix(self, path: str, *, name: str = "", timeout: float | None = None, connections: int = 0) -> Callable[[F], F]:
        """Call the function with each connection's stream: `@app.unix("/run/app.sock?mode=660")`.  Arguments are those of `tcp`."""
        spec = spec_of("unix", path if path.startswith("unix:") else f"unix:{path}")
        return self._service("streams", spec, name=name, timeout=timeout, connections=connections)

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
        return self._service("streams", spec_of("tls", address), name=name, timeout=timeout, connections=connections, tls=tls)

    @setupmethod
    def udp(self, address: str, *, name: str = "") -> Callable[[F], F]:
        """Call the function with each datagram; bytes that it returns go back: `@app.udp("127.0.0.1:5353")`.

        An async function is called in a task, and while it waits others are; a plain one has a thread, which takes them in order.

        Args:
            address: "host:port".
            name: For logs and lists; left out, the function's.
        """
        return self._service("datagrams", spec_of("udp", address), name=name)

    def _service(self, kind: Kind, spec: str, **options: Any) -> Callable[[F], F]:
        def register(function: F) -> F:
            self._add_service(kind, function, spec, **options)
            return function

        return register

    def _add_service(self, kind: Kind, function: Callable[..., Any], spec: str, **options: Any) -> None:
        """Keep it, for now or for later."""
        raise NotImplementedError


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

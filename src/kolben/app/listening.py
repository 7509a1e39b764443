"""Decorators of services: TCP, UDP, Unix sockets and TLS, on an app as on a blueprint.

Addresses are checked here; nothing is opened.  Refuses to know what a service does, and who runs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from kolben.app.scaffold import Scaffold, setupmethod
from kolben.base import UsageError
from kolben.net import Address, InheritedAddress, TCPAddress, TLSAddress, UDPAddress, UnixAddress, UnixDatagramAddress, parse_address

if TYPE_CHECKING:
    import ssl

__all__ = ["Listening", "spec_of"]

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["streams", "datagrams"]
HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|unix(-dgram)?:(?![0-9]+$)")


class Grammar(NamedTuple):
    """What a decorator listens on.

    Attributes:
        scheme: It may be left out.
        example: As a person writes it.
        types: Addresses of these types.
    """

    scheme: str
    example: str
    types: tuple[type, ...]


GRAMMARS = {
    "tcp": Grammar("tcp://", "tcp://127.0.0.1:12345", (TCPAddress, InheritedAddress)),
    "tls": Grammar("tls://", "tls://127.0.0.1:12345", (TLSAddress,)),
    "udp": Grammar("udp://", "udp://127.0.0.1:12345", (UDPAddress, UnixDatagramAddress)),
    "unix": Grammar("unix:", "unix:/run/app.sock", (UnixAddress, InheritedAddress)),
}


class Listening(Scaffold):
    """What can be listened to beside HTTP."""

    @setupmethod
    def tcp(self, address: str, *, name: str = "", timeout: float | None = None, connections: int = 0) -> Callable[[F], F]:
        """Call the function with each connection's stream: `@app.tcp("127.0.0.1:12345")`.

        An async function runs on the loop; a plain one has a thread for the life of its connection and may block.  Closed when it returns,
        reset when it raises.

        Args:
            address: "host:port"; port 0 lets the system choose.  "fd://3" is a listening socket that the server was started with.
            name: For logs and lists; left out, the function's.
            timeout: Seconds that each call of the stream waits at most; left out, for ever.
            connections: How many may be open in each process; more wait.  Left out, `limits.connections`.
        """
        return self._service("streams", spec_of("tcp", address), name=name, timeout=timeout, connections=connections)

    @setupmethod
    def unix(self, path: str | os.PathLike[str], *, name: str = "", timeout: float | None = None, connections: int = 0) -> Callable[[F], F]:
        """Call the function with each connection's stream: `@app.unix("/run/app.sock?mode=660")`.  Arguments are those of `tcp`."""
        return self._service("streams", spec_of("unix", os.fspath(path)), name=name, timeout=timeout, connections=connections)

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
    def udp(self, address: str, *, name: str = "", timeout: float | None = None) -> Callable[[F], F]:
        """Call the function with each datagram; bytes that it returns go back: `@app.udp("127.0.0.1:5353")`.

        An async function is called in a task, and while it waits others are; a plain one has a thread, which takes them in order.

        Args:
            address: "host:port", or "unix-dgram:/path" for datagrams over a Unix socket; a sender without a name there gets no answer.
            name: For logs and lists; left out, the function's.
            timeout: Seconds after which an async function that still waits is cancelled, and its datagram not answered; left out, never.
        """
        return self._service("datagrams", spec_of("udp", address), name=name, timeout=timeout)

    def _service(self, kind: Kind, spec: str, **options: Any) -> Callable[[F], F]:
        def register(function: F) -> F:
            self._add_service(kind, function, spec, **options)
            return function

        return register

    def _add_service(self, kind: Kind, function: Callable[..., Any], spec: str, **options: Any) -> None:
        """Keep it, for now or for later."""
        raise NotImplementedError


def spec_of(kind: str, address: str | Address) -> str:
    """Check an address, and return it with its scheme.

    Raises:
        UsageError: it is none, or one of another kind.
    """
    if isinstance(address, str):
        spec = address if HAS_SCHEME.match(address) else GRAMMARS[kind].scheme + address
    else:
        spec = str(parse_address(address))
    found = parse_address(spec)
    if isinstance(found, GRAMMARS[kind].types):
        return spec
    advice = next((f": use app.{other} for it" for other, grammar in GRAMMARS.items() if isinstance(found, grammar.types)), "")
    raise UsageError(f"app.{kind}: expected an address such as {GRAMMARS[kind].example}, got {address!r}{advice}")


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

"""What every service has: a name, an address, counters, and how what goes wrong is told."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager, nullcontext
from inspect import isasyncgenfunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any

from kolben.base import ProtocolError, UsageError
from kolben.net.errors import IncompleteReadError, TLSError
from kolben.net.service import Service, Socket
from kolben.services._receiver import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kolben.net.service import Host

__all__ = ["Base", "Counters", "Crew"]

log = logging.getLogger("kolben.services")
UNLIMITED = 1 << 30


class Crew:
    """The threads of an app's sync services: one for each connection, `limits.connection_threads` for all of them together."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.places = asyncio.Semaphore()

    def prepare(self, host: Host) -> None:
        """Count from now on for this host: the first service that starts on it says so."""
        if self._loop is not host.loop:
            self._loop = host.loop
            self.places = asyncio.Semaphore(host.limits.connection_threads or UNLIMITED)


class Base(Service):
    """The part of a service that does not depend on its kind.

    Args:
        function: The user's.
        spec: Where to listen.
        name: For logs and lists; left out, the function's.
        context: Makes what is around each call: an app's context.
        crew: Whom a sync function's thread is counted with.

    Raises:
        UsageError: the function is a generator.
    """

    ANSWERS = ""  # how a function says something to its peer

    def __init__(
        self,
        function: Callable[[Any], Any],
        spec: str,
        *,
        name: str = "",
        context: Callable[[], AbstractContextManager[Any]] = nullcontext,
        crew: Crew | None = None,
    ) -> None:
        self.function = function
        self.spec = spec
        self.name = name or getattr(function, "__name__", repr(function))
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise UsageError(f"service {self.name}: expected a function without `yield`, which nobody would iterate over. {self.ANSWERS}.")
        self.counters = Counters()
        self.sockets: list[Socket] = []
        self.contexts = context
        self._crew = crew or Crew()

    @property
    def active(self) -> int:
        """How much of it runs."""
        return self.counters.active

    def figures(self) -> dict[str, int]:
        """Return its counters, by their names."""
        return {name: getattr(self.counters, name) for name in ("active", "accepted", "refused", "failed")}

    def take(self, sockets: Sequence[Socket]) -> None:
        """Own these sockets from now on; a service may be served again after it was stopped."""
        self.sockets = list(sockets)

    def places(self) -> list[str]:
        """Where a person finds it."""
        scheme, mark, _ = self.spec.partition("://")
        found = [str(getattr(each, "address", None) or getattr(each, "local_address", "")) for each in self.sockets]
        return [f"{scheme}://{each.rpartition('://')[2]}" if mark and scheme != "fd" else each for each in found]

    def start(self, host: Host) -> None:
        """Begin to accept."""
        self._host = host
        self._crew.prepare(host)

    def _close_sockets(self) -> None:
        for each in self.sockets:
            each.close()
        self.sockets = []

    def report(self, error: BaseException, peer: object) -> bool:
        """Log what a function raised; whether the connection can still end in order."""
        match error:
            case ProtocolError():
                log.info("%s, peer %s: %s", self.name, peer, error)
                return True
            case ConnectionError() | TimeoutError() | TLSError() | IncompleteReadError():
                log.debug("%s, peer %s: %s", self.name, peer, error)
                return False
        self.counters.failed += 1
        log.error("Error in service %s, peer %s", self.name, peer, exc_info=error)
        return False

"""Listening sockets that a task waits on."""

from collections.abc import Callable
from typing import Any, Protocol

from typing_extensions import disjoint_base

from kolben.net._endpoint import Endpoint, Operation
from kolben.net._stream import Stream
from kolben.net.tls import Layer

class _HasFileno(Protocol):
    def fileno(self) -> int: ...

@disjoint_base
class Acceptor(Endpoint):
    """A listening socket that a task waits on.  Borrows its descriptor."""

    def __init__(self, sock: _HasFileno, kind: type[Stream], start: Callable[[Any], Layer] | None = None) -> None: ...
    def accept(self, timeout: float | None = None) -> Operation[Any]: ...
    def close(self) -> None: ...

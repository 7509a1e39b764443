"""Sockets that tasks wait on, behind one poller nested in their loop."""

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Generator
from enum import IntEnum
from typing import Any, Generic, TypeVar

from typing_extensions import disjoint_base

_T = TypeVar("_T")

class Direction(IntEnum):
    READING = 0
    WRITING = 1

@disjoint_base
class Hub:
    """Owns the poller and the timers of one loop."""

    def __init__(self, loop: AbstractEventLoop) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def closed(self) -> bool: ...
    def turn(self) -> None: ...
    def asked_turn(self) -> None: ...
    def close(self) -> None: ...

@disjoint_base
class Endpoint:
    """A socket that tasks wait on.

    Attributes:
        timeout: Seconds for each call that does not say otherwise; None waits for ever.
    """

    timeout: float | None
    @property
    def fd(self) -> int: ...
    def fileno(self) -> int: ...
    def wait_readable(self, timeout: float | None = None) -> Operation[None]: ...
    def wait_writable(self, timeout: float | None = None) -> Operation[None]: ...

@disjoint_base
class Operation(Awaitable[_T], Generic[_T]):
    """One call that may have to wait: to be awaited once, or given to asyncio.create_task()."""

    def __await__(self) -> Generator[Any, None, _T]: ...
    def send(self, value: Any) -> Any: ...
    def throw(self, kind: Any, value: Any = None, traceback: Any = None) -> Any: ...
    def close(self) -> None: ...

def prepare(*types: type) -> None: ...

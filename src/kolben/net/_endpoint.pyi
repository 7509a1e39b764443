"""Sockets that tasks wait on, and the calls that may have to wait."""

from collections.abc import Awaitable, Generator
from enum import IntEnum
from typing import Any, Generic, TypeVar

from typing_extensions import disjoint_base

from kolben.net._hub import Watched

_T = TypeVar("_T")

class Direction(IntEnum):
    READING = 0
    WRITING = 1

@disjoint_base
class Endpoint(Watched):
    """A socket that tasks wait on.

    Attributes:
        timeout: Seconds for each call that does not say otherwise; None waits for ever.
    """

    timeout: float | None
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

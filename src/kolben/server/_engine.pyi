from asyncio import Task
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from typing_extensions import disjoint_base

from kolben.base import Limits, Timeouts
from kolben.http import Handler
from kolben.net._buffer import BlockPool
from kolben.server._reactor import Reactor
from kolben.server.execution import Executor

@disjoint_base
class Engine:
    """What the connections of one worker share.  One thread."""

    draining: bool

    def __init__(
        self,
        reactor: Reactor,
        handler: Handler,
        executor: Executor,
        start_task: Callable[[Coroutine[Any, Any, Any], Context], Task[Any]],
        *,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> None: ...
    @property
    def reactor(self) -> Reactor: ...
    @property
    def blocks(self) -> BlockPool: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def active(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def refused(self) -> int: ...

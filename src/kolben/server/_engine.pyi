"""What the connections of one worker share: the parser, the buffers that are only used within a step, limits, counters."""

from collections.abc import Container

from typing_extensions import disjoint_base

from kolben.base import Limits, Timeouts
from kolben.http import Handler
from kolben.net._buffer import BlockPool
from kolben.server._backlog import Backlog
from kolben.server._reactor import Reactor
from kolben.server._tasks import TaskStarter
from kolben.server.access import AccessLog
from kolben.server.bodies import SpoolQuota
from kolben.server.execution import Executor

LOOPBACK: frozenset[str]
LOOP_PATIENCE: float
LOOP_TARGET: float

@disjoint_base
class Engine:
    """What the connections of one worker share.  One thread."""

    draining: bool  # stopping: every answer says close
    exempt: Container[str]  # who may have more connections than `limits.connections_per_address`: the machine itself
    access_log: AccessLog | None  # called for every answer

    def __init__(
        self,
        reactor: Reactor,
        handler: Handler,
        executor: Executor,
        starter: TaskStarter,
        *,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> None: ...
    def show_active(self, memory: memoryview) -> None:
        """Keep `active` up to date in `memory`, too."""

    def note_places(self, memory: memoryview) -> None:
        """Write the name of each plan that is begun into `memory`, which outlives this process."""

    @property
    def reactor(self) -> Reactor: ...
    @property
    def backlog(self) -> Backlog:
        """Of requests that wait for a thread."""

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""

    @property
    def limits(self) -> Limits: ...
    @property
    def blocks(self) -> BlockPool: ...
    @property
    def spool_quota(self) -> SpoolQuota: ...
    @property
    def active(self) -> int:
        """Connections that are open now."""

    @property
    def accepted(self) -> int:
        """Connections that were ever opened."""

    @property
    def requests(self) -> int:
        """Heads that were complete."""

    @property
    def refused(self) -> int:
        """Requests that broke a rule, a limit or a deadline."""

    @property
    def expired(self) -> int:
        """Plans whose time was over: their requests were answered with 503 or 504."""

    @property
    def stuck(self) -> int:
        """Of these, what could not be stopped and still runs: each keeps its thread, or its task."""

    @property
    def late(self) -> int:
        """Of these, what could not be stopped and has ended since: its answer was dropped."""

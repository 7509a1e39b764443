"""Where a plan runs, and the two protocols that tie the server to an app it does not know."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol, Self

from kolben.http._plan import Handler, Plan

__all__ = ["Handler", "Lifespan", "Mode", "Plan", "Route"]


class Mode(enum.IntEnum):
    """Where a plan runs."""

    INLINE = 0  # on the thread that reads the socket, at once
    THREAD = 1  # in the pool
    TASK = 2  # as a task of the event loop


@dataclass(frozen=True, slots=True)
class Route:
    """One rule, as it is shown to people.  Durations are microseconds; calls of tasks and rescued ones have none.

    Attributes:
        rule: The path's pattern.
        methods: In alphabetical order; none means every method.
        endpoint: The name of the view.
        runs: inline, thread or task; "-" when no view stands behind the endpoint.
        domain: The rule's host or subdomain.
        pinned: It runs there whatever is measured.
        calls: How often its endpoint was called in this process, as far as the server counts: none, in a process that only lists routes.
        earned: How often it earned running inline.
        lost: How often it lost that.
        rescued: Inline calls that blocked.
        mean: What a call took.
        longest: What the longest took.
    """

    rule: str
    methods: list[str]
    endpoint: str
    runs: str
    domain: str = ""
    pinned: bool = True
    calls: int = 0
    earned: int = 0
    lost: int = 0
    rescued: int = 0
    mean: int = 0
    longest: int = 0

    @classmethod
    def of(cls, plan: Plan, rule: str, methods: list[str], endpoint: str, domain: str = "") -> Self:
        """Return a rule with what its plan knows: where it runs, and what was measured of it."""
        record = plan.record
        return cls(
            rule=rule,
            methods=methods,
            endpoint=endpoint,
            runs=Mode(plan.mode).name.lower(),
            domain=domain,
            pinned=plan.pinned,
            calls=record.calls,
            earned=record.earned,
            lost=record.lost,
            rescued=record.rescued,
            mean=record.total // max(record.calls - record.rescued, 1),
            longest=record.longest,
        )

    @classmethod
    def of_hosted(cls, plan: Plan, prefix: str = "") -> Self:
        """Return all paths below a prefix: their application finds its way itself, and has no rules that we could know."""
        return cls.of(plan, f"{prefix}/*", [], plan.name)


class Lifespan(Protocol):
    """What a handler's app does on a server's loop before its first request, and after its last."""

    async def startup(self) -> None:
        """Get ready.  The server accepts nothing before this returns, and does not serve at all if it raises."""

    async def shutdown(self, seconds: float) -> None:
        """Let go, within so many seconds: what takes longer is cancelled, and reported.  Called once after each `startup` that returned."""

"""Which workers there should be: generations, restarts, drains.  No process, no signal, no clock in this module.

Events go in by the `on_` methods and `reload`, `stop`, `tick`; orders come out of `take_orders`.  The supervisor carries them out.

    a worker       STARTING → READY → SERVING → DRAINING → gone; it can go from anywhere
    a generation   rising → serving → retired, or rising → refused

A worker that is READY has imported the app and answered its probe, and accepts nothing.  A rising generation begins with one scout,
so that a broken release costs one process; when all of it is ready it begins to serve, and only then does the old one drain.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

__all__ = [
    "Backoff",
    "Drain",
    "Finish",
    "Fleet",
    "Kill",
    "Order",
    "Refused",
    "Released",
    "Serve",
    "Spawn",
    "State",
    "Worker",
]


class State(enum.Enum):
    """Where a worker is in its life."""

    STARTING = "starting"
    READY = "ready"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(slots=True)
class Worker:
    """One process, as the fleet sees it.

    Attributes:
        number: Its name; never used twice.
        since: When its present state began, in seconds.
        is_doomed: Its end is wanted: nobody restarts it, and what it may still say is not listened to.
        is_relieved: A successor is to take its place, or has done so.
    """

    number: int
    generation: int
    since: float
    state: State = State.STARTING
    is_doomed: bool = False
    is_relieved: bool = False


# --- orders ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a process."""

    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class Serve:
    """Let it accept connections."""

    number: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Let it accept nothing more and end when its connections have; `at_once`: idle ones are closed now."""

    number: int
    at_once: bool


@dataclass(frozen=True, slots=True)
class Kill:
    """End the process; `with_trace`: let it first write down where it stands."""

    number: int
    with_trace: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """This generation serves now, alone."""

    generation: int


@dataclass(frozen=True, slots=True)
class Refused:
    """This generation never served; `serving` is the one that goes on, 0 if there is none."""

    generation: int
    serving: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nobody is left."""


Order = Spawn | Serve | Drain | Kill | Released | Refused | Finish


# --- how long to wait before a restart ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Backoff:
    """The first crash is made good at once, each further one after twice the time.

    Attributes:
        first: Seconds before the second restart.
        most: Seconds that it never waits longer than.
        forgiven: After so many seconds without a crash it begins anew.
    """

    first: float = 0.5
    most: float = 30.0
    forgiven: float = 60.0
    crashes: int = 0
    last: float = 0.0

    def delay(self, now: float) -> float:
        """Note one crash and return how long to wait."""
        if now - self.last > self.forgiven:
            self.crashes = 0
        self.last = now
        self.crashes += 1
        return 0.0 if self.crashes == 1 else min(self.most, self.first * 2.0 ** min(self.crashes - 2, 32))


# --- the fleet ---------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Fleet:
    """What runs, what is wanted, and the orders that lead from one to the other.

    Attributes:
        size: Workers that serve.
        start_limit: Seconds from a worker's start until it is ready.
        drain_limit: Seconds from the order to drain until it has to be gone.
        serving: The generation that serves; 0 before the first does.
        rising: The generation that is tried; 0 if none is.
    """

    size: int
    start_limit: float = 60.0
    drain_limit: float = 32.0
    backoff: Backoff = field(default_factory=Backoff)
    workers: dict[int, Worker] = field(default_factory=dict)
    serving: int = 0
    rising: int = 0
    is_stopping: bool = False
    _generations: int = 0
    _numbers: int = 0
    _restart_at: float = 0.0
    _reason: str = ""  # why the rising generation is refused
    _at_once: bool = False
    _orders: list[Order] = field(default_factory=list)

    def take_orders(self) -> list[Order]:
        """Return what is to be done now, once."""
        orders, self._orders = self._orders, []
        return orders

    # -- what somebody wants

    def reload(self, now: float) -> None:
        """Try a new generation; also how the first one begins.  One that was being tried is given up: the newest counts."""
        if self.is_stopping:
            return
        if self.rising:
            self._doom(self.rising)
        self._generations += 1
        self.rising, self._reason = self._generations, ""
        self._go_on(now)

    def stop(self, now: float, *, at_once: bool = False) -> None:
        """Let everybody finish what runs."""
        self.is_stopping, self._at_once = True, at_once
        self._go_on(now)

    def relieve(self, number: int, now: float) -> None:
        """Put a new worker of the same generation in this one's place: the new one is ready before this one drains."""
        worker = self.workers.get(number)
        if worker and worker.state is State.SERVING and not self.rising and not any(each.is_relieved for each in self.workers.values()):
            worker.is_relieved = True
            self._go_on(now)

    # -- what happened

    def on_ready(self, number: int, now: float) -> None:
        """It has imported the app and answered the probe."""
        worker = self.workers.get(number)
        if worker and worker.state is State.STARTING and not worker.is_doomed:
            worker.state, worker.since = State.READY, now
            self._go_on(now)

    def on_failed(self, number: int, reason: str, now: float) -> None:
        """It said why it cannot serve; its end follows."""
        worker = self.workers.get(number)
        if worker is None or worker.is_doomed:
            return
        if worker.generation == self.rising:
            self._reason = self._reason or reason
        elif not self.is_stopping:
            self._restart_at = now + self.backoff.delay(now)
        worker.is_doomed = True
        self._orders.append(Kill(number))
        self._go_on(now)

    def on_ended(self, number: int, now: float, how: str) -> bool:
        """Its process is gone; return whether nobody had asked for that."""
        worker = self.workers.pop(number, None)
        is_surprise = worker is not None and not worker.is_doomed and worker.state is not State.DRAINING
        if worker is not None and is_surprise:
            if worker.generation == self.rising:
                self._reason = self._reason or how
            else:
                self._restart_at = now + self.backoff.delay(now)
        self._go_on(now)
        return is_surprise

    def on_hung(self, number: int, now: float) -> None:
        """Its loop has stood still for too long."""
        worker = self.workers.get(number)
        if worker and not worker.is_doomed:
            worker.is_doomed = True
            self._restart_at = now + self.backoff.delay(now)
            self._orders.append(Kill(number, with_trace=True))

    def on_draining(self, number: int, now: float) -> None:
        """It drains though nobody here told it to: somebody sent it SIGTERM."""
        worker = self.workers.get(number)
        if worker and worker.state is not State.DRAINING:
            worker.state, worker.since = State.DRAINING, now
            self._go_on(now)

    def tick(self, now: float) -> None:
        """Look at the time."""
        for worker in list(self.workers.values()):
            if worker.is_doomed:
                continue
            if worker.state is State.STARTING and now - worker.since > self.start_limit:
                self.on_failed(worker.number, f"it was not ready after {self.start_limit:g} s", now)
            elif worker.state is State.DRAINING and now - worker.since > self.drain_limit:
                worker.is_doomed = True
                self._orders.append(Kill(worker.number, with_trace=True))
        self._go_on(now)

    # -- what follows

    def _go_on(self, now: float) -> None:
        if self.is_stopping:
            self._stop_all(now)
            return
        if self.rising:
            self._raise_generation(now)
        if self.serving:
            self._keep_serving(now)

    def _stop_all(self, now: float) -> None:
        for worker in self.workers.values():
            if worker.state in {State.STARTING, State.READY}:
                self._kill(worker)
            else:
                self._drain(worker, now)
        if not self.workers:
            self._orders.append(Finish())

    def _raise_generation(self, now: float) -> None:
        if self._reason:
            refused, self.rising = self.rising, 0
            self._doom(refused)
            self._orders.append(Refused(refused, self.serving, self._reason))
            return
        members = self._alive(self.rising)
        ready = [each for each in members if each.state is State.READY]
        if len(ready) >= self.size:
            self._release(ready, now)
        elif ready or not members:  # first the scout, then all others
            for _ in range(self.size - len(members) if ready else 1):
                self._spawn(self.rising, now)

    def _release(self, ready: list[Worker], now: float) -> None:
        self.serving, self.rising = self.rising, 0
        for worker in ready:
            self._serve(worker, now)
        for worker in self.workers.values():
            if worker.generation != self.serving:
                self._retire(worker, now)
        self.backoff.crashes = 0
        self._restart_at = 0.0
        self._orders.append(Released(self.serving))

    def _keep_serving(self, now: float) -> None:
        members = self._alive(self.serving)
        for worker in members:
            if worker.state is State.READY:
                self._serve(worker, now)
        relieved = [each for each in members if each.is_relieved]
        fresh = [each for each in members if not each.is_relieved]
        if relieved and sum(each.state is State.SERVING for each in fresh) >= self.size:
            for worker in relieved:
                self._drain(worker, now)
        if now >= self._restart_at:
            for _ in range(self.size - len(fresh)):
                self._spawn(self.serving, now)

    def _alive(self, generation: int) -> list[Worker]:
        """Those of a generation that serve or will."""
        return [
            each
            for each in self.workers.values()
            if each.generation == generation and not each.is_doomed and each.state is not State.DRAINING
        ]

    def _spawn(self, generation: int, now: float) -> None:
        self._numbers += 1
        self.workers[self._numbers] = Worker(self._numbers, generation, now)
        self._orders.append(Spawn(self._numbers, generation))

    def _serve(self, worker: Worker, now: float) -> None:
        worker.state, worker.since = State.SERVING, now
        self._orders.append(Serve(worker.number))

    def _retire(self, worker: Worker, now: float) -> None:
        if worker.state in {State.STARTING, State.READY}:
            self._kill(worker)
        else:
            self._drain(worker, now)

    def _drain(self, worker: Worker, now: float) -> None:
        if worker.state is not State.DRAINING and not worker.is_doomed:
            worker.state, worker.since = State.DRAINING, now
            self._orders.append(Drain(worker.number, self._at_once))

    def _kill(self, worker: Worker) -> None:
        if not worker.is_doomed:
            worker.is_doomed = True
            self._orders.append(Kill(worker.number))

    def _doom(self, generation: int) -> None:
        for worker in self.workers.values():
            if worker.generation == generation:
                self._kill(worker)

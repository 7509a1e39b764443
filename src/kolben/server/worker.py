"""A worker process: takes what its supervisor left for it, imports the app, proves that it answers, and obeys.

What it was left stands in the variable `KOLBEN_WORKER`, gone from the environment before the user's code runs:

    leash    its end of the line to the supervisor; the line's end is the supervisor's death, and then it drains
    listeners   the sockets to accept from; the supervisor owns them, the worker borrows
    scores, row   the numbers that it shares with the others
    faults   a file for the traceback of a crash

Orders it obeys: `serve`, `drain`, `end`, `reopen`, `figures`.  It reports `ready`, `failed` and `draining`.  Before that it `wants` the
sockets of the app's services, which only the loaded app knows, and is given `sockets`, or `refused`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kolben.base import UsageError
from kolben.net import listen_all, parse_address
from kolben.server.leash import Leash
from kolben.server.probe import probe
from kolben.server.scores import Scores, Tally, milliseconds
from kolben.server.serving import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from kolben.base import Limits, Timeouts
    from kolben.http import Handler
    from kolben.net.service import Service

__all__ = ["FAILED", "Inheritance", "Worker"]

VARIABLE = "KOLBEN_WORKER"
FAILED = 3  # exit status of a worker that has said why it cannot serve
BEAT = 1.0  # seconds between two notes into the scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Inheritance:
    """What a supervisor leaves to a worker: descriptors and numbers."""

    leash: int
    listeners: list[int]
    scores: int
    row: int
    faults: int
    ready_path: str = ""

    def put(self, environment: dict[str, str]) -> None:
        """Write it where the worker will look."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        environment[VARIABLE] = json.dumps(facts)

    @classmethod
    def take(cls) -> Inheritance:
        """Read it, once."""
        return cls(**json.loads(os.environ.pop(VARIABLE)))


class Worker:
    """One process's part in a server.  Made before the user's code is imported; `run` serves what came of that."""

    def __init__(self, inheritance: Inheritance, reopen_logs: Callable[[], object] = lambda: None) -> None:
        self.leash = Leash.of_descriptor(inheritance.leash)
        self.scores = Scores(inheritance.scores, inheritance.row)
        self._inheritance = inheritance
        self._reopen_logs = reopen_logs
        self._serves = False
        os.set_inheritable(inheritance.faults, False)
        os.set_inheritable(inheritance.scores, False)
        for fd in inheritance.listeners:
            os.set_inheritable(fd, False)
        faulthandler.enable(inheritance.faults)
        faulthandler.register(signal.SIGQUIT, inheritance.faults, all_threads=True)
        for ignored in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):  # not SIG_IGN, which the app's own children would inherit
            signal.signal(ignored, do_nothing)

    def fail(self, reason: str) -> int:
        """Say why there will be nothing to serve; return the exit status."""
        self.leash.say("failed", reason=reason)
        return FAILED

    def run(
        self,
        handler: Handler,
        prepare: Callable[[Server], None],
        *,
        limits: Limits,
        timeouts: Timeouts,
        services: Sequence[Service] = (),
    ) -> None:
        """Serve when the supervisor says so, until it says otherwise or is gone.

        Args:
            handler: What answers.
            prepare: Called with the server before it runs: for its log.
            limits: How much a peer may make the server hold.
            timeouts: How long the server waits.
            services: What runs beside it.

        Raises:
            UsageError: a service's address cannot be listened on.
        """
        for service in services:
            self._equip(service)
        listeners = [each for fd in self._inheritance.listeners for each in listen_all(parse_address(f"fd://{fd}"))]
        scores = self.scores if self.scores.row else None
        self.server = Server(handler, listeners, limits=limits, timeouts=timeouts, scores=scores, services=services)
        if self.scores.row:
            self.server.engine.show_active(self.scores.open_now())
        self.server.engine.note_places(self.scores.place())
        prepare(self.server)
        loop = self.server.loop
        loop.add_reader(self.leash.fileno(), self._obey)
        loop.call_soon(self._obey)  # what was heard while sockets were waited for
        loop.call_soon(self._beat)
        signal.signal(signal.SIGTERM, self._on_term)
        try:
            self.server.run(listening=False, started=lambda: loop.call_soon(self._prove))
        finally:
            self.leash.close()

    def _equip(self, service: Service) -> None:
        """Get a service's sockets from the supervisor, who owns them, so that a reload refuses nobody."""
        from kolben.net.service import adopt_sockets

        self.leash.say("wants", spec=service.spec, name=service.name)
        answer = self.leash.wait_for("sockets", "refused")
        if answer is None:
            raise SystemExit(FAILED)
        if answer["message"] == "refused":
            raise UsageError(f"{service.name}: {answer['reason']}")
        service.take(adopt_sockets(service.spec, answer["descriptors"]))

    # -- in the loop

    def _obey(self) -> None:
        for message in self.leash.heard():
            match message["message"]:
                case "serve":
                    self._serves = True
                    self.server.listen()
                case "drain":
                    self.server.drain()
                case "end":
                    self.server.stop()
                case "reopen":
                    self._reopen_logs()
                case "figures":
                    self.server.log_routes()
            self._note()
        if self.leash.is_cut:  # nobody is left who could tell us to end
            self.server.loop.remove_reader(self.leash.fileno())
            self.server.drain()

    def _beat(self) -> None:
        self._note()
        self.server.loop.call_later(BEAT, self._beat)

    def _note(self) -> None:
        engine = self.server.engine
        accepts = int(self._serves and not engine.draining)
        services = sum(service.active for service in self.server.services)
        self.scores.note(Tally(accepts, engine.active, engine.accepted, engine.requests, engine.refused, milliseconds(), services))

    def _prove(self) -> None:
        """Ask the app for its readiness path over a connection of its own; without a path, that the loop turns is proof enough."""
        if not self._inheritance.ready_path:
            self._say_ready()
            return
        threading.Thread(target=self._ask, args=(self._inheritance.ready_path,), name="kolben-probe", daemon=True).start()

    def _say_ready(self) -> None:
        self.leash.say("ready", graceful=self.server.timeouts.graceful)

    # -- in a thread, and in signal handlers

    def _ask(self, path: str) -> None:
        problem = probe(self.server, path)
        if problem is None:
            self._say_ready()
        else:
            self.leash.say("failed", reason=problem)

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        self.leash.say("draining")
        self.server.drain()


def do_nothing(*_: Any) -> None:
    """Take a signal that means nothing here, and would by default end the process."""

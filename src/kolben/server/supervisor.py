"""The parent of a server's workers: owns the listening sockets, never loads the user's code, and keeps a fleet of processes going.

Workers are fresh processes (exec), not forks of this one.  A reload must load all of a new release: the app, its dependencies, Kolben,
even Python; a fork would keep what its parent had imported.  And nothing that a thread held, a lock or an event loop, can come
along.  It costs an interpreter's start per worker, which nobody waits for, since the old ones serve meanwhile.

One thread and one selector: signals (by their wake-up descriptor), the workers' leashes, the clock.  What should be is decided in
fleet.py, what is done about it stands here.

    SIGHUP        reload                    SIGTERM    finish what runs, then end
    SIGUSR1       open the logs again       SIGINT     the same, and close idle connections at once
    SIGUSR2       log the routes' figures   a second SIGTERM or SIGINT ends everything now
    SIGCHLD       a worker ended
"""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kolben.base import UsageError
from kolben.server.fleet import Drain, Finish, Fleet, Kill, Refused, Released, Serve, Spawn
from kolben.server.holdings import Holdings
from kolben.server.leash import Leash, leash_pair
from kolben.server.obituary import obituary
from kolben.server.recycling import Recycling
from kolben.server.scores import Scores, milliseconds
from kolben.server.worker import Inheritance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from kolben.net import Listener
    from kolben.server.fleet import Order
    from kolben.server.pidfile import PidFile
    from kolben.server.systemd import Notifier

__all__ = ["Supervisor"]

log = logging.getLogger("kolben.server")
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)
TICK = 0.5  # seconds between two looks at what no event tells
TO_END = 5.0  # seconds from SIGTERM, or from asking for a traceback, to SIGKILL
TO_TRACE = 1.0


@dataclass(slots=True, kw_only=True)
class Child:
    """A worker's process, and what ties us to it."""

    number: int
    generation: int
    process: subprocess.Popen[bytes]
    leash: Leash
    faults: IO[bytes]
    row: int
    started: float
    recycling: Recycling
    kill_at: float = float("inf")
    said: str = ""  # why it cannot serve


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Keeps `size` workers serving; `run` returns the exit status when all is over.

    Attributes:
        command: What starts a worker.
        listeners: What the workers accept from.  Taken: closed when the stop begins.
        environment: The workers'.
        ready_path: What a worker's app has to answer before it serves; "" for nothing.
        recycling: When a worker has served long enough.
        start_limit: Seconds until a worker has to be ready.
        hang_limit: Seconds that a serving worker's loop may stand still; 0 for ever.
        pid_file: Where the outcome of reloads is told, besides the log.
        notifier: The service manager's ear.
        reopen_logs: What SIGUSR1 does to our own.
    """

    command: Sequence[str]
    listeners: list[Listener]
    size: int
    environment: Mapping[str, str]
    ready_path: str = ""
    recycling: Recycling = field(default_factory=Recycling)
    start_limit: float = 60.0
    hang_limit: float = 60.0
    pid_file: PidFile | None = None
    notifier: Notifier | None = None
    reopen_logs: Callable[[], object] = lambda: None
    fleet: Fleet = field(init=False)
    children: dict[int, Child] = field(default_factory=dict, init=False)
    _holdings: Holdings = field(default_factory=Holdings, init=False)
    _scores: Scores = field(default_factory=Scores.make, init=False)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, init=False)
    _signals: deque[int] = field(default_factory=deque, init=False)
    _status: int | None = field(default=None, init=False)
    _folder: str = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.size, start_limit=self.start_limit)
        self._folder = working_folder(self.environment)

    # -- the loop

    def run(self) -> int:
        """Serve until a signal ends it, or until the first generation fails."""
        with ExitStack() as undo:
            undo.callback(self._let_go)
            self._watch_signals(undo)
            self.fleet.reload(time.monotonic())
            self._obey()
            while self._status is None:
                self._turn()
            return self._status

    def _turn(self) -> None:
        for key, _ in self._selector.select(TICK if self.children else 0):
            if isinstance(key.data, Child):
                self._listen_to(key.data)
            else:
                drain_socket(key.data)
        while self._signals:
            self._on_signal(self._signals.popleft())
        self._bury()
        self._look_around()
        self._obey()

    def _watch_signals(self, undo: ExitStack) -> None:
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setblocking(False)
            undo.callback(each.close)
        self._selector.register(ours, selectors.EVENT_READ, ours)
        undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False))
        for number in SIGNALS:
            undo.callback(signal.signal, number, signal.signal(number, self._note_signal))

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        self._signals.append(number)

    def _on_signal(self, number: int) -> None:
        now = time.monotonic()
        match number:
            case signal.SIGHUP if self.fleet.is_stopping:
                pass
            case signal.SIGHUP:
                log.info("Reloading: a new generation is started beside the one that serves")
                self._notify("reloading")
                self.fleet.reload(now)
            case signal.SIGUSR1:
                self.reopen_logs()
                self._tell_all("reopen")
            case signal.SIGUSR2:
                self._tell_all("figures")
            case signal.SIGINT | signal.SIGTERM if self.fleet.is_stopping:
                self._end_now(number)
            case signal.SIGINT | signal.SIGTERM:
                log.info("Stopping (%s): what runs is finished first", signal.Signals(number).name)
                self._stop(at_once=number == signal.SIGINT)

    def _tell_all(self, message: str) -> None:
        for child in self.children.values():
            child.leash.say(message)

    # -- what happened

    def _listen_to(self, child: Child) -> None:
        now = time.monotonic()
        for message in child.leash.heard():
            match message["message"]:
                case "ready":
                    self.fleet.drain_limit = max(self.fleet.drain_limit, message["graceful"] + TO_END)
                    self.fleet.on_ready(child.number, now)
                case "failed":
                    child.said = message["reason"]
                    if child.generation != self.fleet.rising:
                        log.error("Worker %d cannot serve: %s", child.number, child.said)
                    self.fleet.on_failed(child.number, child.said, now)
                case "wants":
                    self._give_sockets(child, message["spec"], message["name"])
                case "draining":
                    self.fleet.on_draining(child.number, now)
        if child.leash.is_cut:
            self._selector.unregister(child.leash)

    def _give_sockets(self, child: Child, spec: str, name: str) -> None:
        try:
            sockets = self._holdings.sockets(spec, child.generation, name)
        except UsageError as error:
            child.leash.say("refused", reason=str(error))
        else:
            child.leash.say("sockets", descriptors=[each.fileno() for each in sockets])

    def _bury(self) -> None:
        """See who has ended.  Only our own children are waited for: we may be process 1 of a container, and have others."""
        for child in list(self.children.values()):
            status = child.process.poll()
            if status is None:
                continue
            if not child.leash.is_cut:
                self._listen_to(child)  # its last words
            now = time.monotonic()
            how = obituary(status, child.faults, now - child.started, self._scores.read_place(child.row))
            del self.children[child.number]
            if self.fleet.on_ended(child.number, now, child.said or how) or (status < 0 and child.kill_at == float("inf")):
                log.error("Worker %d (pid %d, generation %d) %s", child.number, child.process.pid, child.generation, how)
            self._forget(child)

    def _forget(self, child: Child) -> None:
        if not child.leash.is_cut:
            self._selector.unregister(child.leash)
        child.leash.close()
        child.faults.close()
        self._scores.close_row(child.row)

    def _look_around(self) -> None:
        """See to what time brings: hung workers, old ones, those that do not end."""
        now = time.monotonic()
        for child in self.children.values():
            if now > child.kill_at:
                child.process.kill()
                child.kill_at = now + TO_END
            self._check(child, now)
        self.fleet.tick(now)
        self._notify("alive")

    def _check(self, child: Child, now: float) -> None:
        tally = self._scores.read(child.row)
        if not child.row or not tally.accepts:
            return
        silence = (milliseconds() - tally.beat) / 1000
        if self.hang_limit and silence > self.hang_limit:
            if child.kill_at == float("inf"):
                log.error("Worker %d (pid %d) has not turned its loop for %.0f s and is ended", child.number, child.process.pid, silence)
            self.fleet.on_hung(child.number, now)
        elif reason := child.recycling.reason(tally.requests, now - child.started, child.process.pid):
            self.fleet.relieve(child.number, now)
            log.debug("Worker %d is to be relieved: %s", child.number, reason)

    # -- what is to be done

    def _obey(self) -> None:
        while orders := self.fleet.take_orders():
            for order in orders:
                self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        match order:
            case Spawn(number, generation):
                self._spawn(number, generation)
            case Serve(number) if number in self.children:
                self.children[number].leash.say("serve")
            case Drain(number, at_once) if number in self.children:
                self.children[number].leash.say("end" if at_once else "drain")
            case Kill(number, with_trace) if number in self.children:
                self._kill(self.children[number], with_trace=with_trace)
            case Released(generation):
                self._released(generation)
            case Refused():
                self._refused(order)
            case Finish() if self._status is None:
                self._status = 0

    def _spawn(self, number: int, generation: int) -> None:
        row = self._scores.open_row()
        faults = tempfile.TemporaryFile(prefix="kolben-faults-")  # noqa: SIM115 - lives as long as the child
        leash, theirs = leash_pair()
        sockets = [each.fileno() for each in self.listeners]
        inheritance = Inheritance(
            leash=theirs.fileno(), listeners=sockets, scores=self._scores.fd, row=row, faults=faults.fileno(), ready_path=self.ready_path
        )
        environment = dict(self.environment)
        inheritance.put(environment)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                self.command,
                env=environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), self._scores.fd, faults.fileno(), *sockets],
                process_group=0,  # Control-C in the terminal is for us: we tell them
            )
        child = Child(
            number=number,
            generation=generation,
            process=process,
            leash=leash,
            faults=faults,
            row=row,
            started=time.monotonic(),
            recycling=self.recycling.jittered(),
        )
        self.children[number] = child
        self._selector.register(leash, selectors.EVENT_READ, child)

    def _kill(self, child: Child, *, with_trace: bool) -> None:
        child.process.send_signal(signal.SIGQUIT if with_trace else signal.SIGTERM)
        child.kill_at = time.monotonic() + (TO_TRACE if with_trace else TO_END)

    def _released(self, generation: int) -> None:
        log.info("Generation %d serves with %d %s", generation, self.size, "worker" if self.size == 1 else "workers")
        self._holdings.keep(generation)
        self._notify("ready", f"generation {generation} serves")
        if self.pid_file:
            self.pid_file.note(generation=generation, refused=None)

    def _refused(self, order: Refused) -> None:
        self._holdings.forget(order.generation)
        if order.serving:
            log.error("Generation %d is refused, generation %d serves on: %s", order.generation, order.serving, order.reason)
            self._notify("ready", f"generation {order.serving} serves; generation {order.generation} was refused")
        else:
            log.error("Nothing is served: %s", order.reason)
            self._stop(at_once=True)
            self._status = 1
        if self.pid_file:
            self.pid_file.note(generation=order.serving, refused=order.reason)

    def _stop(self, *, at_once: bool) -> None:
        self._notify("stopping")
        self.fleet.stop(time.monotonic(), at_once=at_once)
        self._close_listeners()

    def _end_now(self, number: int) -> None:
        """Somebody insists."""
        log.warning("Ended at once by a second %s", signal.Signals(number).name)
        self._status = 128 + number

    def _notify(self, method: str, *arguments: Any) -> None:
        if self.notifier:
            getattr(self.notifier, method)(*arguments)

    def _close_listeners(self) -> None:
        for listener in self.listeners:
            listener.close()
        self._holdings.close()

    def _let_go(self) -> None:
        """End what is left, and give everything back."""
        for child in self.children.values():
            child.process.kill()
        for child in self.children.values():
            child.process.wait()
            self._forget(child)
        self._close_listeners()
        self._selector.close()
        self._scores.close()


def working_folder(environment: Mapping[str, str]) -> str:
    """Return this folder's name as the shell has it: a link to the present release leads a new generation to the next one."""
    named = environment.get("PWD", "")
    with suppress(OSError):
        if named and Path(named).samefile("."):
            return named
    return str(Path.cwd())


def drain_socket(sock: socket.socket) -> None:
    """Read what says no more than that there is something."""
    with suppress(OSError):
        while sock.recv(4096):
            pass

"""A worker: listeners, a loop, connections, and a stop that finishes what runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from kolben.base import Limits, Timeouts
from kolben.net import TCPAddress, UnixAddress, listen_all, parse_address
from kolben.server._acceptor import Acceptor, adopt
from kolben.server._connection import Connection
from kolben.server._engine import Engine
from kolben.server._reactor import Reactor
from kolben.server._tasks import TaskStarter
from kolben.server.access import AccessLog
from kolben.server.execution import Executor
from kolben.server.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from socket import socket
    from types import FrameType

    from kolben.http import Handler
    from kolben.http.plan import Lifespan
    from kolben.net import Listener
    from kolben.net.service import Service, Socket
    from kolben.server.scores import Scores

__all__ = ["Server", "run_app"]

log = logging.getLogger("kolben.server")
STOP_CHECK = 0.05  # seconds between two looks at what still runs, only while stopping
STOP_OF_APP = 1.0  # seconds that an app's shutdown has, also when its requests took all the time there was


class HasHandler(Protocol):
    """An app, as far as the server knows one."""

    @property
    def handler(self) -> Handler:
        """What finds the plan of a request."""


class Server:
    """Serves one handler on some listeners in one thread, with threads for what blocks.

    `run` returns when `stop` was called, from any thread, and what ran is finished or `timeouts.graceful` is over.
    `clock` gives milliseconds for tests; without it, the kernel's monotonic clock counts.  `scores` are for a worker among others that
    accept from the same listeners.  `services` run beside the handler, on sockets that they have taken.
    """

    def __init__(
        self,
        handler: Handler,
        listeners: Sequence[Listener],
        *,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], int] | None = None,
        scores: Scores | None = None,
        services: Sequence[Service] = (),
    ) -> None:
        self._handler = handler
        self.limits = limits or Limits()
        self.timeouts = timeouts or Timeouts()
        self.loop = new_event_loop()
        self.reactor = Reactor(self.loop, clock=clock)
        self.executor = Executor(self.reactor, self.limits, self.loop)
        self.engine = Engine(self.reactor, handler, self.executor, TaskStarter(self.loop), limits=self.limits, timeouts=self.timeouts)
        self.watchdog = Watchdog(self.reactor, self.loop)
        self.listeners = list(listeners)
        self.services = list(services)
        self.acceptors = [Acceptor(self.engine, each, scheme="http", server=server_of(each)) for each in self.listeners]
        for acceptor in self.acceptors:
            acceptor.scores = scores
        self.is_listening = False
        self._is_shared = scores is not None
        self._is_stopping = False
        self._is_closing = False
        self._lifespan: Lifespan | None = None  # of the app, while it is up
        self._deadline_of_stop: float | None = None  # by the loop's clock

    def adopt(
        self,
        connection: socket,
        *,
        scheme: str = "http",
        server: tuple[str, int | None] = ("localhost", 80),
        remote: tuple[str, int] | None = None,
    ) -> None:
        """Take a connection that is open already, such as one end of a socket pair: before `run`, or in the loop's thread.

        Args:
            connection: Taken; the caller's object is empty afterwards.
            scheme: What requests say of it.
            server: The same.
            remote: The same.
        """
        connection.setblocking(False)
        adopt(self.engine, connection.detach(), scheme=scheme, server=server, remote=remote)

    def run(self, *, listening: bool = True, started: Callable[[], object] | None = None) -> None:
        """Start the app up, then serve until stopped.  What the app's startup raises, this raises.

        Args:
            listening: Accept at once; else nothing before `listen` is called.
            started: Called in this thread, not in the loop, when the app is up.
        """
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.add_reader(self.reactor.fileno(), self.reactor.turn)
            self.watchdog.start()
            if self._start_app():
                if started is not None:
                    started()
                if listening:
                    self._begin_to_listen(None)
                self._serve()
        finally:
            self._close()

    def _start_app(self) -> bool:
        """Let the app start up; False if the server was stopped meanwhile."""
        lifespan = self._handler.lifespan
        if lifespan is None:
            return True
        task = self.loop.create_task(lifespan.startup(), name="startup")
        task.add_done_callback(self._stop_loop)
        self._serve()
        task.remove_done_callback(self._stop_loop)
        if not task.done():
            task.cancel()
            self.loop.run_until_complete(asyncio.wait([task]))
        if task.cancelled():
            return False
        task.result()
        self._lifespan = lifespan
        return not self._is_stopping

    def _stop_loop(self, _: object = None) -> None:
        if not self._is_closing:  # then the loop runs for what is to be put away, and ends by itself
            self.loop.stop()

    def _stop_app(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is None:
            return
        left = self.timeouts.graceful if self._deadline_of_stop is None else self._deadline_of_stop - self.loop.time()
        try:
            self.loop.run_until_complete(lifespan.shutdown(max(left, STOP_OF_APP)))
        except BaseException:
            log.exception("Error while the app stopped")

    def _serve(self) -> None:
        while True:
            try:
                self.loop.run_forever()
            except SystemExit:  # a loop lets it through from a task; the view that raised it is answered with 500
                log.exception("SystemExit in a task does not stop the server; a signal does")
            else:
                return

    def listen(self) -> None:
        """Begin to accept.  Thread-safe."""
        self.reactor.post_to_loop(self._begin_to_listen, None)

    def drain(self) -> None:
        """Accept no more, make each connection's next answer its last, and return from `run` when none is left.  Thread-safe.

        Connections that wait for their next request keep `timeouts.keep_alive` for it, so that nobody's request meets a closed one.
        """
        self.reactor.post_to_loop(self._begin_to_drain, time.monotonic())

    def stop(self, _: object = None) -> None:
        """Finish what runs, close what is idle, then let `run` return.  Thread-safe; a second call changes nothing."""
        self.reactor.post_to_loop(self._begin_to_stop, time.monotonic())

    def log_routes(self) -> None:
        """Say in the log what is known of each route.  Thread-safe."""
        from kolben.server.figures import log_routes

        self.reactor.post_to_loop(log_routes, self._handler)

    def _begin_to_listen(self, _: object) -> None:
        if self.engine.draining or self.is_listening:
            return
        self.is_listening = True
        for acceptor in self.acceptors:
            acceptor.start()
        for service in self.services:
            service.start(self)

    def _begin_to_drain(self, asked: float | None) -> None:
        if self.engine.draining:
            return
        self.engine.draining = True
        self._stop_listening()
        self._finish_draining(self._deadline(asked))

    def _begin_to_stop(self, asked: float | None) -> None:
        if self._is_stopping:
            return
        self._is_stopping = self.engine.draining = True
        self._stop_listening()
        for connection in self._connections():
            connection.stop()
        for service in self._active_services():
            text = "Stopping: %d of %s may take up to %g s; a second signal ends now"
            log.warning(text, service.active, service.name, self.timeouts.graceful)
        self._finish_stopping(self._deadline(asked))

    def _deadline(self, asked: float | None) -> float:
        """When what still runs is cut, by the loop's clock."""
        waited = 0 if asked is None else time.monotonic() - asked  # a view may have blocked the loop
        self._deadline_of_stop = self.loop.time() + self.timeouts.graceful - waited
        return self._deadline_of_stop

    def _stop_listening(self) -> None:
        """Take what has connected already, if nobody else would; who comes now is refused at once and can go elsewhere."""
        self.is_listening = False
        for acceptor in self.acceptors:
            if self._is_shared:
                acceptor.leave()
            else:
                acceptor.stop()
        for listener in self.listeners:
            listener.close()
        for service in self.services:
            service.drain()

    def _finish_draining(self, deadline: float) -> None:
        if self._is_stopping:
            return
        if (self._connections() or self._active_services()) and self.loop.time() < deadline:
            self.loop.call_later(STOP_CHECK, self._finish_draining, deadline)
        else:
            self._finish_stopping(deadline)

    def _finish_stopping(self, deadline: float) -> None:
        busy = [connection for connection in self._connections() if not connection.is_idle]
        services = self._active_services()
        if (busy or services) and self.loop.time() < deadline:
            self.loop.call_later(STOP_CHECK, self._finish_stopping, deadline)
            return
        for service in services:
            log.warning("Stopped with %d of %s unfinished after %g s", service.active, service.name, self.timeouts.graceful)
        if busy:
            log.warning("Stopped with %d requests unfinished after %g s", len(busy), self.timeouts.graceful)
        self._stop_loop()

    def _connections(self) -> list[Connection]:
        return [each for each in self.reactor.watched() if isinstance(each, Connection)]

    def _active_services(self) -> list[Service]:
        return [each for each in self.services if each.active]

    def _close(self) -> None:
        self._is_closing = True
        self.watchdog.close()
        self._stop_listening()
        for connection in self._connections():
            connection.cut()
        for service in self.services:
            service.abort()
        self._stop_app()
        self.executor.shutdown()
        self.loop.remove_reader(self.reactor.fileno())
        self.reactor.close()
        self._close_loop()

    def _close_loop(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=1))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        self.loop.close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make uvloop's loop where it is installed, else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def server_of(listener: Listener) -> tuple[str, int | None]:
    """Both parts of a request's `server`: (host, port), or (path, None) for a Unix socket."""
    address = listener.address
    if isinstance(address, UnixAddress):
        return address.path, None
    return address.host, address.port


def url_of(listener: Listener) -> str:
    """Where a person finds what listens there."""
    address = listener.address
    if not isinstance(address, TCPAddress):
        return str(address)
    host = "localhost" if address.host in {"", "0.0.0.0", "::"} else address.host
    return f"http://[{host}]:{address.port}/" if ":" in host else f"http://{host}:{address.port}/"


def limits_of(app: HasHandler, threads: int | None = None) -> Limits:
    """The limits that an app asks for, or ours; `threads` if it is given."""
    limits: Limits = getattr(app, "limits", None) or Limits()
    return limits if threads is None else replace(limits, threads=threads)


def services_of(app: HasHandler) -> Sequence[Service]:
    """What an app runs beside HTTP."""
    services: Sequence[Service] = getattr(app, "services", ())
    return services


def open_for(service: Service) -> list[Socket]:
    """Open what a service listens on."""
    from kolben.net.service import open_sockets

    return open_sockets(service.spec)


def timeouts_of(app: HasHandler) -> Timeouts:
    """The timeouts that an app asks for, or ours."""
    return getattr(app, "timeouts", None) or Timeouts()


@contextlib.contextmanager
def obeyed_signals(server: Server) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the server, and a second one end the process at once; SIGUSR2 has it log its routes.

    A handler runs between two bytecodes of whatever the main thread executes, a view's endless loop included.  In another thread
    than the main one there are no signals to take.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = 0
    timers: list[threading.Timer] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            os._exit(128 + number)
        server.stop()
        # What never comes back to the loop cannot be finished: the process ends a little after the deadline all the same.
        last = threading.Timer(server.timeouts.graceful + 2 * STOP_OF_APP, os._exit, (1,))
        last.daemon = True
        last.start()
        timers.append(last)

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    if signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL:  # else the app has a use for it
        previous[signal.SIGUSR2] = signal.signal(signal.SIGUSR2, lambda *_: server.log_routes())
    try:
        yield
    finally:
        for timer in timers:  # whoever called us goes on, perhaps for longer
            timer.cancel()
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_app(
    app: HasHandler,
    *,
    binds: Sequence[str] = ("127.0.0.1:5000",),
    debug: bool = False,
    threads: int | None = None,
    access_log: bool | None = None,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
) -> None:
    """Serve an app until the process is told to stop.

    Args:
        app: What answers; its `limits` and `timeouts`, if it has them, hold where none are given here.
        binds: Where to listen: "host:port", "[::1]:port", "unix:/path", "fd://3".
        debug: Say on the terminal what debug mode does and does not do.
        threads: `limits.threads`, alone.
        access_log: One line per answer.  None: if a person looks on, that is, if standard error is a terminal.
        limits: How much a peer may make the server hold.
        timeouts: How long the server waits.

    Raises:
        UsageError: an address cannot be parsed or bound; the message says why and what to do.
    """
    limits = limits or limits_of(app, threads)
    listeners: list[Listener] = []
    services = services_of(app)
    try:
        for bind in binds:
            listeners.extend(listen_all(parse_address(bind), backlog=limits.backlog))
        for service in services:
            service.take(open_for(service))
        server = Server(app.handler, listeners, limits=limits, timeouts=timeouts or timeouts_of(app), services=services)
        if access_log or (access_log is None and sys.stderr.isatty()):
            server.engine.access_log = AccessLog()
    except BaseException:
        for listener in listeners:
            listener.close()
        for service in services:
            service.drain()
        raise
    with obeyed_signals(server):
        for listener in listeners:
            print(f" * Running on {url_of(listener)}", file=sys.stderr)  # noqa: T201 - for the person who started it
        for service in services:
            print(f" * {service.name} on {', '.join(service.places())}", file=sys.stderr)  # noqa: T201 - the same
        if debug:
            print(" * Debug mode: errors are raised, not hidden; restart by hand after a change", file=sys.stderr)  # noqa: T201 - the same
        print("Press CTRL+C to quit", file=sys.stderr, flush=True)  # noqa: T201 - the same
        server.run()

"""Errors in the browser, with Werkzeug's interactive debugger.

Werkzeug's is a WSGI application around another.  Ours stands around a Handler, so that every request takes the road that it takes in
production.  An error that nobody handled is raised once more inside of Werkzeug's application, which makes the page of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug.debug import DebuggedApplication

from kolben.http import Handler, Mode, Plan, Response
from kolben.interop._hosting import WSGIHandler
from kolben.server.serving import limits_of, timeouts_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from werkzeug.wrappers import Response as WerkzeugResponse

    from kolben.http import Request

__all__ = ["Debugged"]

KEEP = "werkzeug.debug.preserve_context"  # gets the contexts in which a frame's console runs
FAILURE = "kolben.dev.failure"
MOST_PLANS = 1_000


class Debugged:
    """An app as the server is to see it in development.

    Args:
        app: Ours, or any WSGI application.
        evaluate: Let whoever knows the PIN run Python in the frames of an error.
        hosts: Names under which the debugger may be asked for, beside this machine's own.
    """

    def __init__(self, app: Any, *, evaluate: bool = True, hosts: Iterable[str] = ()) -> None:
        inner = getattr(app, "handler", None)
        self.limits, self.timeouts = limits_of(app), timeouts_of(app)
        self.debugger = DebuggedApplication(fail, evalex=evaluate, pin_logging=False)
        self.debugger.trusted_hosts += [host for host in hosts if host not in {"", "0.0.0.0", "::"}]
        self.handler = DebugHandler(WSGIHandler(app) if inner is None else inner, self.debugger)

    @property
    def pin(self) -> str | None:
        """What has to be typed before Python is run; None: nothing, if the environment says so (WERKZEUG_DEBUG_PIN=off)."""
        return self.debugger.pin


def fail(environ: dict[str, Any], start_response: Any) -> NoReturn:
    """Raise what a request's plan has raised, where Werkzeug's debugger sees it."""
    __traceback_hide__ = True
    error, contexts = environ.pop(FAILURE, (RuntimeError("no error"), ()))
    for context in contexts:
        environ[KEEP](context)
    raise error


class DebugHandler(Handler):
    """Gives each plan a net; requests of the debugger itself never reach the app."""

    def __init__(self, inner: Handler, debugger: DebuggedApplication) -> None:
        self.inner = inner
        self.debugger = debugger
        self.request_class = inner.request_class
        self.lifespan = inner.lifespan
        self.plans: dict[Plan, Plan] = {}
        self.console = Console(debugger)

    def match(self, request: Any) -> Plan:
        if b"__debugger__=yes" in request.query_string or (self.debugger.evalex and request.path == self.debugger.console_path):
            return self.console
        plan = self.inner.match(request)
        self.request_class = self.inner.request_class
        if plan.answers_early:  # somebody else's ASGI application, whose errors are its own affair
            return plan
        if plan not in self.plans:
            if len(self.plans) >= MOST_PLANS:  # of apps that change with every request
                self.plans.clear()
            self.plans[plan] = Net(plan, self.debugger)
        return self.plans[plan]


class Net(Plan):
    """A plan whose errors become pages."""

    def __init__(self, inner: Plan, debugger: DebuggedApplication) -> None:
        self.inner = inner
        self.debugger = debugger
        self.name, self.mode, self.pinned = inner.name, inner.mode, inner.pinned
        self.needs_body, self.streams_body = inner.needs_body, inner.streams_body
        self.go_on_with(inner.record)

    def run(self, request: Any) -> Any:
        __traceback_hide__ = True
        contexts = self.keep(request)
        try:
            return self.inner.run(request)
        except Exception as error:
            return self.page(request, error, contexts)

    async def run_async(self, request: Any) -> Any:
        __traceback_hide__ = True
        contexts = self.keep(request)
        try:
            return await self.inner.run_async(request)
        except Exception as error:
            return self.page(request, error, contexts)

    def keep(self, request: Request) -> list[Any]:
        """Let the request's context be kept for the consoles of its frames."""
        contexts: list[Any] = []
        if self.debugger.evalex and KEEP not in request.environ:
            request.environ[KEEP] = contexts.append
        return contexts

    def page(self, request: Request, error: Exception, contexts: list[Any]) -> WerkzeugResponse:
        """Make the page of an error; its traceback goes to the log."""
        environ = request.environ
        environ[FAILURE] = error.with_traceback(without_our_head(error.__traceback__)), contexts
        return Response.from_app(self.debugger, environ, buffered=True)


def without_our_head(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame on that is not ours; all of it if there is none."""
    rest = traceback
    while rest is not None and rest.tb_frame.f_globals.get("__name__", "").startswith("kolben."):
        rest = rest.tb_next
    return rest or traceback


class Console(Plan):
    """What the debugger's own pages ask for."""

    def __init__(self, debugger: DebuggedApplication) -> None:
        self.debugger = debugger
        self.name, self.mode, self.pinned = "debugger", Mode.THREAD, True

    def run(self, request: Any) -> WerkzeugResponse:
        return Response.from_app(self.debugger, request.environ, buffered=True)

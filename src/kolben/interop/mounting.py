"""Other applications under paths of a handler: each sees its path as its root."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kolben.http import Handler, Plan
from kolben.http._environ import request_of
from kolben.interop._asgi import ASGIPlan
from kolben.interop._hosting import WSGIPlan, list_hosted
from kolben.interop.asgi import HostedLifespan
from kolben.interop.detection import interface_of

if TYPE_CHECKING:
    from typing import Protocol

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from kolben.http import Request
    from kolben.http.plan import Lifespan, Route
    from kolben.interop.asgi import ASGIApplication
    from kolben.interop.detection import Interface

    class Mounted(Protocol):
        """What stands under a path."""

        @property
        def lifespan(self) -> Lifespan | None:
            """What is to be done before the first request and after the last."""

        def plan(self, request: Request) -> Plan:
            """Find the plan of a request."""

        def routes(self) -> list[Route]:
            """Return what is known of each path below."""


__all__ = ["Mounts"]

BIG = 64 * 1024  # bytes of a body from which an ASGI application is called before it is here


class Mounts(Handler):
    """Another handler, some of whose paths belong to other applications."""

    def __init__(self, handler: Handler) -> None:
        self.request_class = handler.request_class
        self.routes = self.list_routes
        self._handler = handler
        self._mounts: list[tuple[str, str, Mounted]] = []  # (path, path with a slash behind it, what stands there), the longest first

    def add(self, path: str, application: Any, interface: Interface | None) -> Lifespan | None:
        """Let an application answer whatever is under a path; return its lifespan, if it has one.

        Raises:
            ValueError: that path cannot be, or the application is none.
        """
        prefix = path.rstrip("/")
        if not path.startswith("/") or not prefix:
            raise ValueError(f"mount: expected a path such as '/legacy', got {path!r}")
        if any(prefix == known for known, _, _ in self._mounts):
            raise ValueError(f"mount: there is an application under {prefix!r} already")
        mounted = mounted_for(prefix, application, interface)
        self._mounts.append((prefix, prefix + "/", mounted))
        self._mounts.sort(key=lambda mount: len(mount[0]), reverse=True)
        return mounted.lifespan

    def match(self, request: Request) -> Plan:
        """Find the plan, this handler's or that of what is mounted."""
        path = request.path
        for prefix, below, mounted in self._mounts:
            if path.startswith(below) or path == prefix:
                wrapper = self._handler.match(request) if request.is_native else None
                # What was put around the app is around its mounts, too: it calls the app as WSGI, and so comes here again.
                return wrapper if isinstance(wrapper, WSGIPlan) else mounted.plan(request)
        plan = self._handler.match(request)
        if self.request_class is not self._handler.request_class:  # it was exchanged: the server will look at ours
            self.request_class = self._handler.request_class
        return plan

    def list_routes(self) -> list[Route]:
        """Return the other handler's routes, then those of what is mounted."""
        own = self._handler.routes() if self._handler.routes is not None else []
        return [*own, *(route for _, _, mounted in self._mounts for route in mounted.routes())]

    def plan_of(self, endpoint: str) -> Plan:
        """As the other handler's."""
        plan: Plan = self._handler.plan_of(endpoint)  # type: ignore[attr-defined]  # an app's has it
        return plan


def mounted_for(prefix: str, application: Any, interface: Interface | None) -> Mounted:
    """Make what stands under a path."""
    handler = None if interface else getattr(application, "handler", None)
    if isinstance(handler, Handler):
        return MountedApp(prefix, application)
    interface = interface or interface_of(application)
    if interface == "asgi":
        return MountedASGI(prefix, application)
    if interface == "wsgi":
        return MountedWSGI(prefix, application)
    raise ValueError(f"mount: expected a Kolben app, or a WSGI or ASGI application, got {application!r}")


def enter(environ: WSGIEnvironment, prefix: str) -> None:
    """Move a path from PATH_INFO to SCRIPT_NAME."""
    wire = prefix.encode().decode("latin-1")
    environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + wire
    environ["PATH_INFO"] = environ["PATH_INFO"][len(wire) :]


class MountedWSGI(WSGIPlan):
    """A WSGI application under a path."""

    lifespan = None

    def __init__(self, prefix: str, application: WSGIApplication) -> None:
        super().__init__(application)
        self._prefix = prefix

    def plan(self, request: Request) -> Plan:
        """Return itself: one for all requests."""
        return self

    def routes(self) -> list[Route]:
        """Return all that it answers as one."""
        return list_hosted(self, self._prefix)

    def run(self, request: Request) -> Any:
        """Call the application."""
        enter(request.environ, self._prefix)
        return super().run(request)


class MountedASGI:
    """An ASGI application under a path."""

    def __init__(self, prefix: str, application: ASGIApplication) -> None:
        self.lifespan = HostedLifespan(application)
        self._whole = ASGIPlan(application, root_path=prefix, lifespan=self.lifespan)
        self._streaming = ASGIPlan(application, root_path=prefix, streams=True, lifespan=self.lifespan)
        self._streaming.go_on_with(self._whole.record)

    def plan(self, request: Request) -> Plan:
        """Return one plan or the other: a large body is not waited for."""
        is_big = "Transfer-Encoding" in request.headers or (request.content_length or 0) > BIG
        return self._streaming if is_big else self._whole

    def routes(self) -> list[Route]:
        """Return all that it answers as one."""
        return list_hosted(self._whole, self._whole.root_path)


class MountedApp:
    """Another app of ours under a path: its own handler and its own plans."""

    def __init__(self, prefix: str, application: Any) -> None:
        self._prefix = prefix
        self._application = application
        self.lifespan = application.handler.lifespan

    def plan(self, request: Request) -> Plan:
        """Find the plan of the request as the app sees it."""
        handler: Handler = self._application.handler
        environ = (copy(request) if request.is_native else request).environ
        enter(environ, self._prefix)
        inner = request_of(handler.request_class, environ)
        plan = handler.match(inner)
        if type(inner) is not handler.request_class:  # it was exchanged since the last request
            inner = request_of(handler.request_class, environ)
            plan = handler.match(inner)
        return InnerPlan(plan, inner)

    def routes(self) -> list[Route]:
        """Return the app's own, as they are seen from outside."""
        list_inner = self._application.handler.routes
        return [replace(route, rule=self._prefix + route.rule) for route in list_inner()] if list_inner is not None else []


class InnerPlan(Plan):
    """The plan of one request of an inner app.  What is measured of it counts for the plan that it stands for."""

    def __init__(self, plan: Plan, request: Request) -> None:
        self._plan = plan
        self._request = request
        self.mode, self.pinned, self.needs_body, self.streams_body = plan.mode, plan.pinned, plan.needs_body, plan.streams_body
        self.go_on_with(plan.record)
        self.answers_early, self.name = plan.answers_early, plan.name

    def run(self, request: Request) -> Any:
        """Answer the inner request."""
        return self._plan.run(self._with_body(request))

    def run_async(self, request: Request) -> Any:
        """Answer the inner request."""
        return self._plan.run_async(self._with_body(request))

    def _with_body(self, request: Request) -> Request:
        body = request._open_body()
        if body is not None:
            self._request.environ["wsgi.input"] = body
        return self._request

    def note_inline(self, lasted: int) -> bool:
        """Tell the plan."""
        return self._plan.note_inline(lasted)

    def note_in_thread(self, lasted: int, disturbed: bool) -> bool:
        """Tell the plan."""
        return self._plan.note_in_thread(lasted, disturbed)

    def note_rescue(self) -> bool:
        """Tell the plan."""
        return self._plan.note_rescue()

    def note_lazy(self) -> bool:
        """Tell the plan."""
        return self._plan.note_lazy()

"""What an ASGI application is, and its life on our server: the lifespan protocol from the server's side."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from typing import Literal

    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["ASGIApplication", "HostedLifespan", "LifespanFailed", "scope_of"]

log = logging.getLogger("kolben.server")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def scope_of(environ: WSGIEnvironment, root_path: str, state: dict[str, Any] | None) -> Message:
    """Make the scope of a request that a WSGI server took, for an application under `root_path`."""
    root, path = environ.get("SCRIPT_NAME", "").encode("latin-1"), environ.get("PATH_INFO", "").encode("latin-1")
    fields = [(name[5:], value) for name, value in environ.items() if name.startswith("HTTP_")]
    fields += [(name, environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)]
    remote, server = environ.get("REMOTE_ADDR"), environ.get("SERVER_NAME", "localhost")
    port = environ.get("SERVER_PORT") or None
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": (root + path).decode("utf-8", "replace"),
        "raw_path": quote_from_bytes(root + path).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root.decode("utf-8", "replace") + root_path,
        "headers": [(name.replace("_", "-").lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields],
        "client": (remote, int(environ.get("REMOTE_PORT") or 0)) if remote else None,
        "server": (server, int(port) if port else None),
    }
    return scope if state is None else {**scope, "state": state.copy()}


class LifespanFailed(Exception):
    """An application said that it cannot start, or could not stop as it should."""


class HostedLifespan:
    """Speaks the lifespan protocol with an ASGI application, in a task that lasts as long as the server serves.

    An application that raises before it has answered `lifespan.startup` does not speak it: it is served without.

    Attributes:
        state: What the application left for its requests; each gets a copy.  None: nothing.
    """

    def __init__(self, application: ASGIApplication) -> None:
        self._application = application
        self.name = getattr(application, "__name__", None) or type(application).__name__
        self.state: dict[str, Any] | None = None
        self._state: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._orders: asyncio.Queue[Message]
        self._answer: asyncio.Future[Message | None]

    async def startup(self) -> None:
        """Start the application; without effect if it does not speak of its lifespan."""
        self._orders = asyncio.Queue()
        self._state = {}
        self._task = asyncio.create_task(self._run(), name=f"lifespan of {self.name}")
        if await self._order("startup") is None:
            self._task = None
        self.state = self._state or None

    async def shutdown(self, seconds: float) -> None:
        """Let the application stop, within so many seconds."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._order("shutdown")
                await task
        except TimeoutError:
            log.error("%s did not stop within %g s", self.name, seconds)  # noqa: TRY400 - where it stood says the application
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _order(self, what: Literal["startup", "shutdown"]) -> Message | None:
        """Tell the application; return its answer, None if it gives none."""
        self._answer = asyncio.get_running_loop().create_future()
        self._orders.put_nowait({"type": f"lifespan.{what}"})
        answer = await self._answer
        if answer is not None and answer["type"] == f"lifespan.{what}.failed":
            raise LifespanFailed(answer.get("message") or f"{self.name}: {what} failed")
        return answer

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self._state}
        has_started = False

        async def send(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "lifespan.startup.complete"
            if not self._answer.done():
                self._answer.set_result(message)

        try:
            await self._application(scope, self._orders.get, send)
        except Exception as error:
            if has_started:
                log.exception("Error in the lifespan of %s", self.name)
            else:
                log.debug("%s does not speak of its lifespan: %r", self.name, error)
        finally:
            if not self._answer.done():
                self._answer.set_result(None)

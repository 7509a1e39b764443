"""An app's life on a server's event loop: its startup, the background work that belongs to it, its shutdown.

Knows no server.  Whoever has a loop and serves the app calls `startup` before the first request and `shutdown` after the last: our
own server in each worker, an ASGI server through its lifespan protocol, a test by `app.run_lifespan()`.
"""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from inspect import isasyncgenfunction
from typing import TYPE_CHECKING, Any

from kolben.base.errors import RegistrationError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    from kolben.app.app import App
    from kolben.app.life import Life
    from kolben.http.plan import Lifespan as LifespanOfHandler

__all__ = ["Lifespan"]

MOST_SECONDS = 30.0  # to stop, where nobody says another number
NOT_ALIVE = (
    "{what}: the app has no event loop now: expected it to be served by Kolben or by an ASGI server\n"
    "  Do: in a test, `with app.run_lifespan(): ...`; a WSGI server of somebody else runs no lifespan and no background work"
)


class Lifespan:
    """What was registered for an app's life, and the lives that it leads: one for each loop that it is served on.

    Attributes:
        on_startup: Called in order.
        on_shutdown: Called in reverse.
        manager: Makes the context that everything else happens in; None: there is none.
        mounted: The lifespans of applications under a path of this one: begun before it, ended after it.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.on_startup: list[Callable[[], Any]] = []
        self.on_shutdown: list[Callable[[], Any]] = []
        self.manager: Callable[[App], AbstractAsyncContextManager[Any]] | None = None
        self.mounted: list[LifespanOfHandler] = []
        self._lives: dict[asyncio.AbstractEventLoop, Life] = {}

    def set_manager(self, function: Any) -> None:
        """Take the one context manager that an app may have: a function of the app; an async generator function will do."""
        if self.manager is not None:
            raise RegistrationError("app.lifespan: expected one context manager, got a second: let the first enter both")
        self.manager = asynccontextmanager(function) if isasyncgenfunction(function) else function

    async def startup(self) -> None:
        """Begin a life on the running loop."""
        from asyncio import get_running_loop  # not before an app is served on a loop

        from kolben.app.life import Life

        loop = get_running_loop()
        if loop in self._lives:
            raise RuntimeError("the app has been started on this event loop already")
        life = self._lives[loop] = Life(self)  # its startup may spawn already
        try:
            await life.begin()
        except BaseException:
            del self._lives[loop]
            raise

    async def shutdown(self, seconds: float = MOST_SECONDS) -> None:
        """End the life on the running loop, within so many seconds."""
        from asyncio import get_running_loop

        life = self._lives.get(get_running_loop())
        if life is None:
            return
        try:
            await life.end(seconds)
        finally:
            self._lives.pop(life.loop, None)

    def present(self) -> Life | None:
        """Return the life on the running loop, or the last that began elsewhere."""
        if not self._lives:
            return None
        from asyncio import get_running_loop

        with contextlib.suppress(RuntimeError):
            here = self._lives.get(get_running_loop())
            if here is not None:
                return here
        return next(reversed(self._lives.values()), None)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, endless: bool) -> None:
        """Run a coroutine as work of the app.  Thread-safe."""
        life = self.present()
        if life is None:
            coroutine.close()
            raise RuntimeError(NOT_ALIVE.format(what="app.spawn()"))
        life.spawn(coroutine, endless=endless)

    def begin_work(self, work: Callable[[], Any]) -> None:
        """Run a function as work of the app, in its context; here and now where it has no loop."""
        life = self.present()
        if life is not None:
            life.spawn_call(work)
            return
        try:
            with self.app.app_context():
                self.app.ensure_sync(work)()
        except Exception:
            self.app.logger.exception("Error in background work: %s", getattr(work, "__qualname__", work))

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Lead a life on a loop in a thread of its own, for the length of a `with` block."""
        import asyncio
        import threading

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="kolben-lifespan", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.startup(), loop).result()
            try:
                yield
            finally:
                asyncio.run_coroutine_threadsafe(self.shutdown(), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

"""What an app does besides answering: its lifespan, background work, other applications under its paths, and its ASGI face."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from kolben.app.contexts import after_response, has_request_context
from kolben.app.dispatch import Dispatch
from kolben.app.lifespan import Lifespan
from kolben.app.scaffold import setupmethod
from kolben.base.errors import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager

    from kolben.app.app import App
    from kolben.interop.detection import Interface
    from kolben.interop.face import ASGIFace

__all__ = ["Living"]

F = TypeVar("F", bound="Callable[..., Any]")


class Living(Dispatch):
    """The eighth storey: life around the requests."""

    @property
    def _lifespan(self) -> Lifespan:
        found = self.__dict__.get("_life")
        if found is None:
            found = self.__dict__["_life"] = Lifespan(cast("App", self))
        return cast("Lifespan", found)

    # -- Lifespan

    @setupmethod
    def on_startup(self, f: F) -> F:
        """Register a function to be called before the first request, in app context, on the server's loop.

        A plain function runs in a thread.  If one raises, the worker stops and says why.  Called by Kolben's server in each worker, by
        ASGI servers, and by `run_lifespan`; not by somebody else's WSGI server.
        """
        self._lifespan.on_startup.append(f)
        return f

    @setupmethod
    def on_shutdown(self, f: F) -> F:
        """Register a function to be called after the last request, in app context; the last registered is the first called."""
        self._lifespan.on_shutdown.append(f)
        return f

    @setupmethod
    def lifespan(self, f: F) -> F:
        """Register the async context manager, a function of the app, that startup, requests and shutdown happen in.

        An async generator function with one `yield` will do.  An app has one.
        """
        self._lifespan.set_manager(f)
        return f

    def run_lifespan(self) -> AbstractContextManager[None]:
        """Start the app up, and shut it down after the `with` block: for tests.  Its loop runs in a thread of its own meanwhile."""
        return self._lifespan.run()

    # -- Work in the background

    def spawn(self, coroutine: Coroutine[Any, Any, Any], *, endless: bool = False) -> None:
        """Run a coroutine in the background: it belongs to the app, not to a request.  From anywhere, plain views too.

        It runs in app context.  Its errors are logged.  When the app stops, it is awaited; what is not done by the deadline is cancelled.

        Args:
            coroutine: What to run.
            endless: It never ends by itself: it is cancelled as soon as the app stops.

        Raises:
            RuntimeError: the app is not served on an event loop now.
        """
        self._lifespan.spawn(coroutine, endless=endless)

    def add_background_task(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function in the background: in a request after its response was sent, else at once.

        It is called in app context: an async one on the loop, a plain one in a thread; behind somebody else's WSGI server, where there is
        no loop, by the thread that has sent the response.  Its errors are logged, and a stop waits for it.
        """
        begin = partial(self._lifespan.begin_work, partial(f, *args, **kwargs) if args or kwargs else f)
        if has_request_context():
            after_response(begin)
        else:
            begin()

    # -- Others

    @setupmethod
    def mount(self, path: str, application: Any, *, interface: Interface | None = None) -> None:
        """Let another application answer whatever is under a path: a Kolben app, or any WSGI or ASGI application.

        It sees the path as its root (`SCRIPT_NAME`, `root_path`).  No hook of this app runs for its requests, but what was put around
        `wsgi_app` does.  Its lifespan is run with this app's.

        Args:
            path: Such as "/legacy".
            application: Who answers.
            interface: "wsgi" or "asgi", where that cannot be seen.
        """
        from kolben.interop.mounting import Mounts

        mounts = self.handler
        if not isinstance(mounts, Mounts):
            mounts = Mounts(mounts)
            mounts.lifespan = self._lifespan
            self.__dict__["_handler"] = mounts
        try:
            lifespan = mounts.add(path, application, interface)
        except ValueError as error:
            raise RegistrationError(str(error)) from None
        if lifespan is not None:
            self._lifespan.mounted.append(lifespan)

    def __call__(self, environ: Any, start_response: Any = None, send: Any = None) -> Any:
        """Answer as a WSGI application, or, called with three arguments, as an ASGI one.

        Wrap `wsgi_app` for middleware, not the app, so that the app stays what it is.
        """
        if send is not None:
            return self.asgi(environ, start_response, send)
        if start_response is None:  # ASGI 2, in which a server that cannot tell calls an object: uvicorn
            return partial(self.asgi, environ)
        return self.wsgi_app(environ, start_response)

    @property
    def asgi(self) -> ASGIFace:
        """This app as an ASGI 3 application and nothing else: `module:app.asgi`, for servers that cannot tell what `module:app` is."""
        face = self.__dict__.get("_asgi")
        if face is None:
            from kolben.interop.face import ASGIFace

            face = self.__dict__["_asgi"] = ASGIFace(lambda: self.handler, limits=cast("App", self).limits)
        return cast("ASGIFace", face)

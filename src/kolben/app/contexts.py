"""What is current while an app works: the app itself, `g`, and during a request the request and its session.

One object per request.  Flask 3.1 has two kinds of context, Flask's announced 3.2 one; both shapes are served: a context with a
request is *also* the app's context, unless one of the same app was active already.  Then it rides on that one and shares its `g`,
as in Flask 3.1 (a test's `with app.app_context():` around a client's calls relies on it).

Teardown runs when the last push has been popped; if a stream still needs the context, when the stream has ended (`hold`, `release`).
All teardown functions run; one error is raised as it is, several as an ExceptionGroup.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from werkzeug.exceptions import HTTPException

from kolben.app._context import ContextBase, GlobalsBase
from kolben.app.globals import _cv_app, _cv_request
from kolben.app.signals import appcontext_popped, appcontext_pushed

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import MapAdapter

    from kolben.app.app import App
    from kolben.app.typing import AfterRequestCallable
    from kolben.app.wrappers import Request
    from kolben.sessions import SessionMixin

__all__ = [
    "AppContext",
    "AppGlobals",
    "RequestContext",
    "after_response",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
]

F = TypeVar("F", bound=Callable[..., Any])
_sentinel: Any = object()


class AppGlobals(GlobalsBase):
    """The object behind `g`: any attribute, for as long as one app context lasts."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # for type checkers; found attributes never come here
        raise AttributeError(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _sentinel) -> Any:
        return self.__dict__.pop(name) if default is _sentinel else self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        return self.__dict__.setdefault(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        context = _cv_app.get(None)
        return object.__repr__(self) if context is None else f"<flask.g of '{context.app.name}'>"


class ErrorCollector:
    """Goes on after errors: each block under `with` is tried, what they raised comes out at the end."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> bool:
        if error is not None:
            self.errors.append(error)
        return True

    def raise_any(self, message: str) -> None:
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise BaseExceptionGroup(message, self.errors)


class AppContext(ContextBase):
    """An active app, and the request it is answering, if any.

    Args:
        app: Whose context.
        request: The request that is answered; without it there is no session, and `request` stays unbound.
        session: An opened session to go on with, as a copy does.
    """

    __slots__ = ()  # the base keeps what extensions set; a dict here would cost every request

    def __init__(self, app: App, *, request: Request | None = None, session: SessionMixin | None = None) -> None:
        self.app = app
        self.g = app.app_ctx_globals_class()
        self._request = request
        self._session = session
        self.url_adapter  # noqa: B018 - made now: what it finds wrong with the host is the first error of a request

    @classmethod
    def from_environ(cls, app: App, environ: WSGIEnvironment, /) -> AppContext:
        return RequestContext(app, environ)

    # -- What it holds

    @property
    def has_request(self) -> bool:
        return self._rider() is not None

    @property
    def request(self) -> Request:
        rider = self._rider()
        if rider is None:
            raise RuntimeError("There is no request in this context.")
        return cast("Request", rider._request)

    def _rider(self) -> AppContext | None:
        """The context with the request: this one, or the active one that rides on this one."""
        if self._request is not None:
            return self
        active = _cv_request.get(None)
        return active if active is not None and active._host is self else None

    @property
    def session(self) -> SessionMixin:
        """The session, counted as used: the answer will say `Vary: Cookie`."""
        session = self._get_session()
        session.accessed = True
        return session

    def _get_session(self) -> SessionMixin:
        rider = self._rider()
        if rider is None:
            raise RuntimeError("There is no request in this context.")
        if rider._session is None:
            rider._open_session()
        return cast("SessionMixin", rider._session)

    def wants_session(self) -> bool:
        """Tell whether a session that nobody has opened must be saved all the same: a permanent one slides with every request."""
        request, config = self._request, self.app.config
        return bool(config["SESSION_REFRESH_EACH_REQUEST"]) and config["SESSION_COOKIE_NAME"] in cast("Request", request).cookies

    def _open_session(self) -> None:
        interface = self.app.session_interface
        session = interface.open_session(self.app, self.request)
        self._session = interface.make_null_session(self.app) if session is None else session

    @property
    def _flashes(self) -> list[tuple[str, str]] | None:
        return self.flashes

    @_flashes.setter
    def _flashes(self, value: list[tuple[str, str]] | None) -> None:
        self.flashes = value

    def match_request(self) -> None:
        """Find the rule and its values for the request, or the error to raise when it is dispatched."""
        request = cast("Request", self._request)
        try:
            request.url_rule, view_args = cast("MapAdapter", self.url_adapter).match(return_rule=True)
            request.view_args = cast("dict[str, Any]", view_args)
        except HTTPException as error:
            request.routing_exception = error

    def copy(self) -> AppContext:
        """Make a context of the same request and session for another thread, task or greenlet."""
        return AppContext(self.app, request=self._request, session=None if self._request is None else self._get_session())

    # -- Being active

    def push(self) -> None:
        """Make this the active context.  May be repeated; each push needs its pop."""
        if self._request is None:
            self._cv_tokens.append((None, self._push_app()))
            return
        active = _cv_app.get(None)
        app_token = None
        if active is None or active.app is not self.app:
            app_token = self._push_app()
        elif active is not self:
            self._host = active
            self.g = active.g
        self._cv_tokens.append((_cv_request.set(self), app_token))
        if self._session is None:
            self._open_session()
        if self.url_adapter is not None and self._request.url_rule is None and self._request.routing_exception is None:
            self.match_request()

    def _push_app(self) -> Token[AppContext]:
        token = _cv_app.set(self)
        appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)
        return token

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Undo one push; the last one tears down what the app registered for that.

        Args:
            exc: The error that ended the work, for the teardown functions.  Left out: the error being handled now, if any.
        """
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        if self._request is None:
            self._pop_app(exc)
        else:
            self._pop_request(exc)

    def _pop_app(self, exc: BaseException | None) -> None:
        errors = ErrorCollector()
        if len(self._cv_tokens) == 1:
            with errors:
                self.app.do_teardown_appcontext(exc)
        active = _cv_app.get()
        _cv_app.reset(cast("Token[AppContext]", self._cv_tokens.pop()[1]))
        if active is not self:
            raise AssertionError(f"Popped wrong app context. ({active!r} instead of {self!r})")
        with errors:
            appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)
        errors.raise_any("Errors during context teardown")

    def _pop_request(self, exc: BaseException | None) -> None:
        errors = ErrorCollector()
        last = len(self._cv_tokens) == 1 and not self._entered
        held = last and self._holds > 0
        if held:
            self._left_error = exc
        elif last:
            with errors:
                self._tear_down_request(exc)
        active = _cv_request.get()
        request_token, app_token = self._cv_tokens.pop()
        _cv_request.reset(cast("Token[AppContext]", request_token))
        if last and not held:
            self._forget_request()
        if app_token is not None:
            if last and not held:
                with errors:
                    self.app.do_teardown_appcontext(exc)
            _cv_app.reset(app_token)
            with errors:
                appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)
        if active is not self:
            raise AssertionError(f"Popped wrong request context. ({active!r} instead of {self!r})")
        errors.raise_any("Errors during context teardown")

    def _tear_down(self, exc: BaseException | None) -> None:
        """Tear down request and app context at the end of a request that no push made current."""
        errors = ErrorCollector()
        with errors:
            self._tear_down_request(exc)
        if self._host is None:
            with errors:
                self.app.do_teardown_appcontext(exc)
        errors.raise_any("Errors during context teardown")

    def _tear_down_request(self, exc: BaseException | None) -> None:
        errors = ErrorCollector()
        with errors:
            self.app.do_teardown_request(exc)
        close = getattr(self._request, "close", None)
        if close is not None:
            with errors:
                close()
        errors.raise_any("Errors during request teardown")

    def _forget_request(self) -> None:
        cast("Request", self._request).environ["werkzeug.request"] = None  # a reference cycle otherwise

    # -- Outliving the pop

    def hold(self) -> None:
        """Put teardown off until `release`: a lazy body still needs this context."""
        self._holds += 1

    def release(self, exc: BaseException | None = None) -> None:
        """End one hold.  The last one runs the teardown that a pop left to it.

        Call it where this context is active (a `contextvars.Context` copied while it was).
        """
        self._holds -= 1
        if self._holds or self._cv_tokens or self._entered:
            return
        exc = exc if exc is not None else self._left_error
        errors = ErrorCollector()
        with errors:
            self._tear_down_request(exc)
        self._forget_request()
        if self._host is None:
            with errors:
                self.app.do_teardown_appcontext(exc)
        errors.raise_any("Errors during context teardown")

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.pop(error)

    def __repr__(self) -> str:
        if self._request is None:
            return f"<{type(self).__name__} of {self.app.name}>"
        return f"<{type(self).__name__} {self._request.url!r} [{self._request.method}] of {self.app.name}>"


class RequestContext(AppContext):
    """A context with a request, made the way Flask 3.1 makes it: from an environ."""

    def __init__(
        self,
        app: App,
        environ: WSGIEnvironment,
        request: Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        if request is None:
            request = app.request_class(environ)
            request.json_module = app.json
        super().__init__(app, request=request, session=session)

    def copy(self) -> RequestContext:
        return type(self)(self.app, environ=self.request.environ, request=self._request, session=self._get_session())


def after_this_request(f: AfterRequestCallable[Any]) -> AfterRequestCallable[Any]:
    """Register a function that gets, and may replace, the response of the current request only."""
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError("'after_this_request' can only be used when a request context is active, such as in a view function.")
    context._after_request_functions.append(f)
    return f


def after_response(f: Callable[[], object]) -> Callable[[], object]:
    """Register a function to be called when the response of the current request was sent, or could not be."""

    def attach(response: Any) -> Any:
        response.call_on_close(f)
        return response

    after_this_request(attach)
    return f


def copy_current_request_context(f: F) -> F:
    """Let a function run elsewhere (thread, task, greenlet) with the request that is current now.

    The request and session objects are shared, so do not read the body in two places at once.
    """
    current = _cv_request.get(None)
    if current is None:
        raise RuntimeError("'copy_current_request_context' can only be used when a request context is active, such as in a view function.")
    context = current.copy()

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context:
            return context.app.ensure_sync(f)(*args, **kwargs)

    return cast("F", update_wrapper(wrapper, f))


def has_request_context() -> bool:
    """Tell whether a request is being answered here."""
    return _cv_request.get(None) is not None


def has_app_context() -> bool:
    """Tell whether an app is active here."""
    return _cv_app.get(None) is not None

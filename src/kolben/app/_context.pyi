from contextvars import ContextVar, Token
from typing import Any, TypeVar, overload

from typing_extensions import disjoint_base
from werkzeug.local import LocalProxy
from werkzeug.routing import MapAdapter

from kolben.app.app import App
from kolben.app.contexts import AppContext, AppGlobals
from kolben.app.typing import AfterRequestCallable
from kolben.app.wrappers import Request
from kolben.sessions import SessionMixin

_T = TypeVar("_T")

class AppVariable:
    """The variable of the current app's context: while it is unset, the context of the current request is the app's, too."""

    @overload
    def get(self) -> AppContext: ...
    @overload
    def get(self, default: _T, /) -> AppContext | _T: ...
    def set(self, value: AppContext) -> Token[AppContext]: ...
    def reset(self, token: Token[AppContext]) -> None: ...

class RequestVariable:
    """The variable of the current request's context."""

    @overload
    def get(self) -> AppContext: ...
    @overload
    def get(self, default: _T, /) -> AppContext | _T: ...
    def set(self, value: AppContext) -> Token[AppContext]: ...
    def reset(self, token: Token[AppContext]) -> None: ...

cv_app: ContextVar[AppContext]
_cv_app: AppVariable
_cv_request: RequestVariable

@disjoint_base
class GlobalsBase:
    """The native half of `g`: what can be used again."""

    __dict__: dict[str, Any]

@disjoint_base
class ContextBase:
    """What a context holds, made only when it is asked for: most requests never touch half of it."""

    app: App
    g: AppGlobals
    url_adapter: MapAdapter | None
    flashes: list[tuple[str, str]] | None
    _request: Request | None
    _session: SessionMixin | None
    _host: AppContext | None
    _holds: int
    _entered: bool
    _left_error: BaseException | None
    _after_request_functions: list[AfterRequestCallable[Any]]
    _cv_tokens: list[tuple[Token[AppContext] | None, Token[AppContext] | None]]

class ContextProxy(LocalProxy[Any]):
    """A LocalProxy whose public attributes are found natively."""

def make_proxies(no_app: str, no_request: str) -> tuple[Any, Any, Any, Any, Any, Any]: ...

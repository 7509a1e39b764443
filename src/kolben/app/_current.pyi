from contextvars import ContextVar, Token
from typing import Any, TypeVar, overload

from werkzeug.local import LocalProxy

from kolben.app.contexts import AppContext

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

class ContextProxy(LocalProxy[Any]):
    """A LocalProxy whose public attributes are found natively."""

def make_proxies(no_app: str, no_request: str) -> tuple[Any, Any, Any, Any, Any, Any]: ...

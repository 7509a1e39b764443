from contextvars import Token
from typing import Any

from typing_extensions import disjoint_base
from werkzeug.routing import MapAdapter

from kolben.app.app import App
from kolben.app.contexts import AppContext, AppGlobals
from kolben.app.typing import AfterRequestCallable
from kolben.app.wrappers import Request
from kolben.sessions import SessionMixin

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

from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import disjoint_base

from kolben.app.app import App
from kolben.app.awaited import Awaited
from kolben.app.contexts import AppContext
from kolben.app.wrappers import Response
from kolben.http import Plan
from kolben.http._json import Encoder
from kolben.sessions import SessionInterface

@disjoint_base
class AppPlan(Plan):
    """One endpoint's plan.  Its attributes are set by plans.py."""

    app: App
    view: Callable[..., Any]
    sync_view: Callable[..., Any]
    endpoint: str
    preprocessors: tuple[Callable[..., Any], ...]
    before: tuple[Callable[..., Any], ...]
    sync_preprocessors: tuple[Callable[..., Any], ...]
    sync_before: tuple[Callable[..., Any], ...]
    after: tuple[Callable[..., Any], ...]
    tears_down: bool
    plain: bool
    closes: bool
    context_class: type[AppContext]
    response_class: type[Response]
    globals_class: type[Any] | None
    text_type: str
    encoder: Encoder | None
    debug_encoder: Encoder | None
    config_is_plain: bool
    config: Mapping[str, Any]
    session_interface: SessionInterface
    opens_session: bool
    receivers: tuple[Mapping[Any, Any], ...]
    general: Callable[[App, Any], Any]
    awaited: Awaited | None
    explain: Callable[[TypeError, Any, Any, Any], Exception | None]

    def set_text_type(self, value: str) -> None: ...
    async def answer_async(self, request: Any) -> Any: ...
    async def call_before_async(self, request: Any) -> Any: ...

@disjoint_base
class GeneralPlan(Plan):
    """The general path as a plan."""

    def __init__(self, app: App, answer: Callable[[App, Any], Any], *, name: str, mode: int = 1, needs_body: bool = True) -> None: ...

def keep_for_test(context: AppContext, environ: Mapping[str, Any]) -> int:
    """Give the context to a test's client, which makes it current again for the asserts that follow."""

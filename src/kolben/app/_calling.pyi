"""The app's context around a call that answers no request."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Never, final

from blinker import Signal

from kolben.app.app import App
from kolben.app.contexts import AppContext
from kolben.app.plans import PlanCompiler

@final
class CallContexts:
    """Makes for each call what `app.app_context()` would make, cheaply where nobody would see a difference.  Thread-safe."""

    def __init__(self, app: App, compiler: PlanCompiler, context_class: type[AppContext], signals: Iterable[Signal]) -> None: ...
    def __call__(self, *args: Never, **kwargs: Never) -> AbstractContextManager[AppContext]: ...

"""Which interface a callable speaks: WSGI or ASGI."""

from __future__ import annotations

import inspect
from typing import Any, Literal

__all__ = ["Interface", "interface_of"]

Interface = Literal["wsgi", "asgi"]


def interface_of(application: Any) -> Interface | None:
    """Tell whether a callable is an ASGI 3 or a WSGI application, by how it is called; None if it is no callable of either kind.

    An async function, or an object with an async `__call__`, is ASGI; else three arguments are ASGI's, two WSGI's.
    """
    if not callable(application):
        return None
    call = application if inspect.isroutine(application) else getattr(application, "__call__", application)  # noqa: B004 - the method itself
    if inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(call):
        return "asgi"
    try:
        parameters = inspect.signature(application).parameters.values()
    except (TypeError, ValueError):  # a native callable that does not tell
        return "wsgi"
    places = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    required = [each for each in places if each.default is each.empty]
    if len(required) <= 2 <= len(places) or any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return "wsgi"
    return "asgi" if len(required) == 3 else None

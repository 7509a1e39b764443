"""Which interface a callable speaks: WSGI or ASGI."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Literal

__all__ = ["Interface", "interface_of"]

Interface = Literal["wsgi", "asgi"]
WSGI_PLACES, ASGI_PLACES = 2, 3  # arguments


def interface_of(application: Any) -> Interface | None:
    """Tell whether something is an ASGI 3 or a WSGI application, by how it is called; None if it is neither.

    Three arguments are ASGI's, two WSGI's.  Where `*args` leaves that open, an async function, or an object with an async `__call__`, is
    ASGI.  A class is no application, nor is a function that can be called without arguments: it may make one.
    """
    if not callable(application) or isinstance(application, type):
        return None
    call = application if inspect.isroutine(application) else application.__call__
    try:
        parameters = inspect.signature(application).parameters.values()
    except (TypeError, ValueError):  # a native callable that does not tell
        return "wsgi"
    places = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    required = len([each for each in places if each.default is each.empty])
    is_open = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    if inspect.iscoroutinefunction(call):
        return "asgi" if required <= ASGI_PLACES <= len(places) or is_open else None
    if required == ASGI_PLACES:
        return "asgi"
    if required <= WSGI_PLACES <= len(places) or is_open:
        return "wsgi" if required or not (inspect.isroutine(application) or isinstance(application, partial)) else None
    return None

"""Overridable methods in two shapes: Flask 3.1's, and the announced 3.2's with a context as first argument.

Kolben's own methods have 3.1's shape and ignore a context that is passed.  An override in 3.2's shape
(`def dispatch_request(self, ctx)`) is wrapped when it is defined: called without a context, it gets the active one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from kolben.app.contexts import AppContext
from kolben.app.globals import _cv_app, _cv_request
from kolben.app.signatures import parameters_of
from kolben.base.watched import WatchedType

__all__ = ["CONTEXT_METHODS", "AppType", "accepts_context", "in_our_shape"]

F = TypeVar("F", bound=Callable[..., Any])

CONTEXT_METHODS = frozenset(
    {
        "dispatch_request",
        "do_teardown_appcontext",
        "do_teardown_request",
        "finalize_request",
        "full_dispatch_request",
        "handle_exception",
        "handle_http_exception",
        "handle_user_exception",
        "log_exception",
        "make_default_options_response",
        "preprocess_request",
        "process_response",
        "update_template_context",
    }
)


def accepts_context(method: F) -> F:
    """Let one of our methods ignore a context that a caller in 3.2's shape passes first."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], AppContext):
            args = args[1:]
        return method(self, *args, **kwargs)

    update_wrapper(call, method)
    call.accepts_context = True  # type: ignore[attr-defined]  # our own: nothing to look at when the class is made
    return cast("F", call)


def in_our_shape(name: str, function: Any, *, bound: bool) -> Any:
    """Return an override as something that may be called without a context."""
    if getattr(function, "accepts_context", False) or not _takes_context(function, bound=bound):
        return function
    at = 0 if bound else 1

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) <= at or not isinstance(args[at], AppContext):
            args = (*args[:at], _active(name), *args[at:])
        return function(*args, **kwargs)

    update_wrapper(call, function)
    del call.__wrapped__  # type: ignore[attr-defined]  # else it would look as if it still wanted a context
    return call


class AppType(WatchedType):
    """The type of app classes: what is put on one later may have either shape, too."""

    def __setattr__(cls, name: str, value: Any) -> None:  # noqa: N805 - of a type of types
        super().__setattr__(name, in_our_shape(name, value, bound=False) if name in CONTEXT_METHODS else value)


def _active(name: str) -> AppContext:
    if name == "do_teardown_appcontext":
        return _cv_app.get()
    return _cv_request.get(None) or _cv_app.get()


def _takes_context(function: Any, *, bound: bool) -> bool:
    parameters = (parameters_of(function) or [])[0 if bound else 1 :]
    if not parameters:
        return False
    name, annotation = parameters[0].name, parameters[0].annotation
    if annotation is inspect.Parameter.empty:
        return name == "ctx"
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] == "AppContext"
    return inspect.isclass(annotation) and issubclass(annotation, AppContext)

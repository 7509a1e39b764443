"""Do the values of a rule fit the parameters of its view?  Messages for when they do not."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from kolben.base import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from werkzeug.routing import Rule

    from kolben.app.app import App

__all__ = ["ViewArgumentsError", "explain_call", "parameters_of", "unfit_views"]


class ViewArgumentsError(RegistrationError, TypeError):
    """A view was called with values that it has no parameters for, or without some that it needs."""


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Return a function's parameters, or None where there is nothing to know."""
    try:
        if sys.version_info >= (3, 14):  # where annotations are evaluated when read, and may name what only a type checker imports
            from annotationlib import Format

            return list(inspect.signature(function, annotation_format=Format.STRING).parameters.values())
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _mismatch(view: Callable[..., Any], names: Any) -> str | None:
    parameters = parameters_of(view)
    if parameters is None:
        return None
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    keywords = [p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    missing = [p.name for p in keywords if p.default is p.empty and p.name not in names]
    surplus = [] if takes_any else sorted(set(names) - {p.name for p in keywords})
    parts = []
    if missing:
        parts.append(f"needs {_listed(missing)}, which the rule does not give")
    if surplus:
        parts.append(f"takes no {_listed(surplus)}, which the rule gives")
    return " and ".join(parts) or None


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _message(view: Any, rule: Any, problem: str) -> str:
    name = getattr(view, "__name__", repr(view))
    return (
        f"view {name!r} of rule {rule.rule!r} {problem}:"
        " make the names between < and > in the rule and the view's parameters the same, or give the parameter a default"
    )


def explain_call(error: TypeError, view: Callable[..., Any], rule: Rule, values: Mapping[str, Any]) -> str | None:
    """Say what was wrong with calling a view; None if the error came from inside of it."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    # Raised by the call itself if the innermost frame is that of who calls views: the general path, or a plan.
    if traceback is None or traceback.tb_frame.f_globals.get("__name__") not in {"kolben.app.dispatch", "kolben.app._plan"}:
        return None
    problem = _mismatch(view, values)
    return None if problem is None else _message(view, rule, problem)


def unfit_views(app: App) -> Iterator[str]:
    """Yield a message for each plain view that can never be called by its rule.

    Only what is certain: views that a decorator wrapped are left out, and all of an app whose preprocessors may change the values.
    """
    if any(app.url_value_preprocessors.values()):
        return
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        if inspect.isfunction(view) and not hasattr(view, "__wrapped__") and not hasattr(view, "view_class"):
            problem = _mismatch(view, {*rule.arguments, *(rule.defaults or ())})
            if problem is not None:
                yield _message(view, rule, problem)

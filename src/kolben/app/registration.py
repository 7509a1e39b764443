"""What an app can be given beyond a blueprint's repertoire: views, blueprints, template functions, shell and teardown hooks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Container, ValuesView
from typing import TYPE_CHECKING, Any, TypeVar

from kolben.app.blueprints import _decorator
from kolben.app.scaffold import _endpoint_from_view_func, setupmethod
from kolben.app.settings import Settings
from kolben.base import RegistrationError

if TYPE_CHECKING:
    from jinja2 import Environment as BaseEnvironment

    from kolben.app import typing as ft
    from kolben.app.blueprints import Blueprint

__all__ = ["ENDPOINT_OPTIONS", "Registration"]

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(Container[Any]):
    """Every number of seconds."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf

    def __str__(self) -> str:
        return "a number of seconds, 0 for no limit"


# Options of a route that are Kolben's and not the rule's: how its view runs.
ENDPOINT_OPTIONS: dict[str, Container[Any]] = {
    "run": {"inline", "thread"},
    "stream": {False, True},
    "on_disconnect": {"cancel", "ignore"},
    "timeout": Seconds(),
}


class MalformedRuleError(RegistrationError, ValueError):
    """A rule that does not parse."""


class UnknownConverterError(RegistrationError, LookupError):
    """A rule that names a converter which the map does not have."""


def _rule_error(rule: str, error: Exception, converters: Any) -> RegistrationError:
    """Say what was expected of a rule, what came, and what to do."""
    if isinstance(error, LookupError):
        return UnknownConverterError(
            f"rule {rule!r}: {error}: expected one of {', '.join(sorted(converters))};"
            " add your own to app.url_map.converters before the rule"
        )
    return MalformedRuleError(
        f"rule {rule!r}: {error}: expected a path that begins with '/', with variables such as <name> or <int:id>,"
        " each '<' closed by '>' and each name used once"
    )


def _place(view: Any) -> str:
    """Name a view and where it was written."""
    code = getattr(view, "__code__", None)
    name = getattr(view, "__name__", repr(view))
    return name if code is None else f"{name!r} in {os.path.basename(code.co_filename)}, line {code.co_firstlineno}"


class Registration(Settings):
    """The second storey: registering."""

    if TYPE_CHECKING:
        jinja_env: BaseEnvironment  # the storey of templates makes it

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the application. It has already handled its first"
                " request, any changes will not be applied consistently.\nMake sure all imports, decorators, functions, etc."
                " needed to set up the application are done before running it."
            )

    # -- Routes and blueprints

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Add a URL rule, and the view of its endpoint.

        Args:
            rule: Such as "/user/<int:id>".
            endpoint: Name for `url_for`; left out, the view's.
            view_func: Gets the values of the rule as keyword arguments.  May be registered later under the endpoint's name.
            provide_automatic_options: Answer OPTIONS by itself; left out, unless the view does.
            options: `methods`; `run`, "inline" or "thread", pins where a plain view runs; `stream=True` begins at the head of a request,
                and `request.stream` reads the body while it comes;
                `timeout` is how many seconds the view may take; `on_disconnect="ignore"` lets an async view run on when its client has
                left; the rest is for the rule (`defaults`, `subdomain`, `host`,
                `strict_slashes`, `redirect_to` ...).
        """
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        methods, automatic = self._methods_of(view_func, options.pop("methods", None), provide_automatic_options)
        self._note_endpoint_options(endpoint, options)
        try:
            rule_object = self.url_rule_class(rule, methods=methods, endpoint=endpoint, **options)
            rule_object.provide_automatic_options = automatic
            self.url_map.add(rule_object)
        except (ValueError, LookupError) as error:
            raise _rule_error(rule, error, self.url_map.converters) from error
        if view_func is not None:
            known = self.view_functions.get(endpoint)
            if known is not None and known != view_func:
                raise RegistrationError(
                    f"View function mapping is overwriting an existing endpoint function: {endpoint}"
                    f" (it is {_place(known)}, and now {_place(view_func)}): name one of them otherwise,"
                    f" as in @app.route({rule!r}, endpoint='another_name')"
                )
            self.view_functions[endpoint] = view_func

    def _methods_of(self, view: Any, given: Any, automatic: bool | None) -> tuple[set[str], bool]:
        """Return the methods of a rule, and whether OPTIONS is answered by itself."""
        if given is None:
            given = getattr(view, "methods", None) or ("GET",)
        if isinstance(given, str):
            raise TypeError('Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])')
        methods = {method.upper() for method in given}
        required = set(getattr(view, "required_methods", ()))
        if automatic is None:
            automatic = getattr(view, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in methods and bool(self.config["PROVIDE_AUTOMATIC_OPTIONS"])
            if automatic:
                required.add("OPTIONS")
        return methods | required, automatic

    def _note_endpoint_options(self, endpoint: str, options: dict[str, Any]) -> None:
        for name, allowed in ENDPOINT_OPTIONS.items():
            if name not in options:
                continue
            value = options.pop(name)
            if value is not None and value not in allowed:
                expected = " or ".join(map(repr, sorted(allowed))) if isinstance(allowed, set) else str(allowed)
                raise RegistrationError(f"endpoint {endpoint!r}: {name}={value!r} is not known: expected {expected}, or leave it out")
            self.endpoint_options.setdefault(endpoint, {})[name] = value
        noted = self.endpoint_options.get(endpoint, {})
        if noted.get("stream") and noted.get("run") == "inline":
            raise RegistrationError(
                f"endpoint {endpoint!r}: with stream=True the view waits for its client and cannot run inline: leave out run='inline'"
            )

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Put a blueprint's views and functions onto this app; options (url_prefix, subdomain, name ...) go before its own."""
        blueprint.register(self, options)  # type: ignore[arg-type]  # an App, once it is built

    def iter_blueprints(self) -> ValuesView[Blueprint]:
        return self.blueprints.values()

    # -- Template functions

    @setupmethod
    def template_filter(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_template_filter, name)

    @setupmethod
    def add_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_template_test, name)

    @setupmethod
    def add_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_template_global, name)

    @setupmethod
    def add_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        self.jinja_env.globals[name or f.__name__] = f

    # -- Hooks of the app alone

    @setupmethod
    def teardown_appcontext(self, f: F) -> F:
        """Call a function, with the error or None, when an app context ends.  Last registered, first called."""
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: F) -> F:
        """Add the names that a function returns to the interactive shell."""
        self.shell_context_processors.append(f)
        return f

"""Blueprints: a part of an app that is written down now and registered later, once or several times."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import IO, TYPE_CHECKING, Any, TypeVar

from kolben.app.listening import Kind, Listening
from kolben.app.scaffold import _endpoint_from_view_func, _sentinel, setupmethod

if TYPE_CHECKING:
    import os

    from kolben.app import typing as ft
    from kolben.app.app import App

__all__ = ["Blueprint", "BlueprintSetupState"]

F = TypeVar("F", bound=Callable[..., Any])
DeferredSetupFunction = Callable[["BlueprintSetupState"], None]


class BlueprintSetupState:
    """One registration of a blueprint on an app: the options it was registered with, on top of the blueprint's own."""

    def __init__(self, blueprint: Blueprint, app: App, options: Any, first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        self.subdomain: str | None = _first_given(options.get("subdomain"), blueprint.subdomain)
        self.url_prefix: str | None = _first_given(options.get("url_prefix"), blueprint.url_prefix)
        self.name: str = options.get("name", blueprint.name)
        self.name_prefix: str = options.get("name_prefix", "")
        self.url_defaults = {**blueprint.url_values_defaults, **dict(options.get("url_defaults", ()))}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: Any,
    ) -> None:
        """Add a rule of the blueprint to the app, with prefix, subdomain and defaults of this registration."""
        if self.url_prefix is not None:
            rule = f"{self.url_prefix.rstrip('/')}/{rule.lstrip('/')}" if rule else self.url_prefix
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        options.setdefault("subdomain", self.subdomain)
        defaults = {**self.url_defaults, **options.pop("defaults", None)} if "defaults" in options else self.url_defaults
        name = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, name, view_func, defaults=defaults, **options)


def _first_given(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


class Blueprint(Listening):
    """Views, hooks, services, templates and static files under one name, to be registered on an app.

    Args:
        name: Stands before its endpoints: "name.endpoint".
        import_name: Usually `__name__`; where its files are found.
        static_folder, static_url_path, template_folder, root_path: As for the app.
        url_prefix: Stands before all its rules.
        subdomain: Of all its rules, if the app matches subdomains.
        url_defaults: Values that its rules get.
        cli_group: Command group for its commands: left out, the blueprint's name; None, the app's own level.
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _sentinel,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self.deferred_functions: list[DeferredSetupFunction] = []
        self._blueprints: list[tuple[Blueprint, dict[str, Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint '{self.name}'. It has already been"
                " registered at least once, any changes will not be applied consistently.\nMake sure all imports, decorators,"
                " functions, etc. needed to set up the blueprint are done before registering it."
            )

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file that lies beside the blueprint's code, for reading.  `encoding` is for text modes."""
        return super().open_resource(resource, mode, encoding)

    # -- What to do when registered

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Call a function with the setup state at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Call a function with the setup state at the first registration on an app only."""

        def call_first(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(call_first, func))

    def make_setup_state(self, app: App, options: dict[str, Any], first_registration: bool = False) -> BlueprintSetupState:
        """Make the object that `record`ed functions get.  To be overridden."""
        return BlueprintSetupState(self, app, options, first_registration)

    def _add_service(self, kind: Kind, function: Callable[..., Any], spec: str, *, name: str = "", **options: Any) -> None:
        """Add it to the first app that the blueprint is registered on: an address can be listened on once."""

        def add(state: BlueprintSetupState) -> None:
            own = f"{state.name_prefix}.{state.name}.{name or getattr(function, '__name__', 'service')}".lstrip(".")
            state.app._add_service(kind, function, spec, name=own, **options)

        self.record_once(add)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest another blueprint in this one."""
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._blueprints.append((blueprint, options))

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Add a rule when registered.  Arguments as for the app's method."""
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func and "." in getattr(view_func, "__name__", ""):
            raise ValueError("'view_func' name may not contain a dot '.' character.")
        options["provide_automatic_options"] = provide_automatic_options
        # A copy each time: whoever gets the options may take some out, and there may be a second registration.
        self.record(lambda state: state.add_url_rule(rule, endpoint, view_func, **dict(options)))

    # -- Being registered

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Put everything onto an app.  Called by `app.register_blueprint`; an override may do more."""
        name = self._free_name(app, options)
        first = all(known is not self for known in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first)
        if self.has_static_folder:
            rule = f"{self.static_url_path}/<path:filename>"
            state.add_url_rule(rule, view_func=self.send_static_file, endpoint="static")
        self._merge_into(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options.get("cli_group", self.cli_group))
        for child, child_options in self._blueprints:
            child.register(app, _nested_options(state, child, child_options, name))

    def _free_name(self, app: App, options: dict[str, Any]) -> str:
        own: str = options.get("name", self.name)
        name = f"{options.get('name_prefix', '')}.{own}".lstrip(".")
        if name in app.blueprints:
            which = "this" if app.blueprints[name] is self else "a different"
            where = f" '{name}'" if own != name else ""
            raise ValueError(f"The name '{own}' is already registered for {which} blueprint{where}. Use 'name=' to provide a unique name.")
        return name

    def _merge_into(self, app: App, name: str) -> None:
        """Copy what is registered here into the app's registries, under the blueprint's full name."""

        def full(key: str | None) -> str:
            return name if key is None else f"{name}.{key}"

        for key, handlers in self.error_handler_spec.items():
            app.error_handler_spec[full(key)] = {code: dict(by_class) for code, by_class in handlers.items()}
        app.view_functions.update(self.view_functions)
        for registry in _MERGED:
            for key, functions in getattr(self, registry).items():
                getattr(app, registry)[full(key)].extend(functions)

    def _register_commands(self, app: App, name: str, group: str | None) -> None:
        if "cli" not in self.__dict__ or not self.cli.commands:
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is _sentinel else group
        app.cli.add_command(self.cli)

    # -- For the whole app

    def _for_app(self, registry: str, f: F) -> F:
        self.record_once(lambda state: getattr(state.app, registry).setdefault(None, []).append(f))
        return f

    @setupmethod
    def before_app_request(self, f: F) -> F:
        return self._for_app("before_request_funcs", f)

    @setupmethod
    def after_app_request(self, f: F) -> F:
        return self._for_app("after_request_funcs", f)

    @setupmethod
    def teardown_app_request(self, f: F) -> F:
        return self._for_app("teardown_request_funcs", f)

    @setupmethod
    def app_context_processor(self, f: F) -> F:
        return self._for_app("template_context_processors", f)

    @setupmethod
    def app_url_value_preprocessor(self, f: F) -> F:
        return self._for_app("url_value_preprocessors", f)

    @setupmethod
    def app_url_defaults(self, f: F) -> F:
        return self._for_app("url_default_functions", f)

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[F], F]:
        def decorate(f: F) -> F:
            def register(state: BlueprintSetupState) -> None:
                state.app.errorhandler(code)(f)  # by the method that an app may have overridden

            self.record_once(register)
            return f

        return decorate

    @setupmethod
    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_app_template_filter, name)

    @setupmethod
    def add_app_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        self.record_once(lambda state: state.app.add_template_filter(f, name))

    @setupmethod
    def app_template_test(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_app_template_test, name)

    @setupmethod
    def add_app_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        self.record_once(lambda state: state.app.add_template_test(f, name))

    @setupmethod
    def app_template_global(self, name: str | None = None) -> Callable[[F], F]:
        return _decorator(self.add_app_template_global, name)

    @setupmethod
    def add_app_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        self.record_once(lambda state: state.app.add_template_global(f, name))


_MERGED = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_default_functions",
    "url_value_preprocessors",
    "template_context_processors",
)


def _decorator(add: Callable[..., None], name: Any) -> Callable[[F], F]:
    """Make a decorator of a method that takes function and name; used bare, `name` is the function."""
    if callable(name):
        add(name)
        return name  # type: ignore[no-any-return]  # the function itself: the name was left out with its parentheses

    def decorate(f: F) -> F:
        add(f, name=name)
        return f

    return decorate


def _nested_options(state: BlueprintSetupState, child: Blueprint, options: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a nested blueprint is registered with: its own options joined to those of the one around it."""
    joined = {**options, "name_prefix": name}
    subdomain = _first_given(options.get("subdomain"), child.subdomain)
    prefix = _first_given(options.get("url_prefix"), child.url_prefix)
    if state.subdomain is not None and subdomain is not None:
        subdomain = f"{subdomain}.{state.subdomain}"
    if state.url_prefix is not None and prefix is not None:
        prefix = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    found = {"subdomain": _first_given(subdomain, state.subdomain), "url_prefix": _first_given(prefix, state.url_prefix)}
    return joined | {key: value for key, value in found.items() if value is not None}

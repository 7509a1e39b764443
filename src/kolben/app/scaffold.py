"""What an app and a blueprint have in common: routes, hooks, error handlers, folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from werkzeug.exceptions import HTTPException, default_exceptions

from kolben.app.globals import _cv_app, _cv_request
from kolben.app.places import get_root_path
from kolben.app.registries import TrackedDict, error_handlers, hooks, make_version

if TYPE_CHECKING:
    from jinja2 import BaseLoader

    from kolben.app import typing as ft
    from kolben.app.wrappers import Response
    from kolben.commands import AppGroup

__all__ = ["Scaffold", "setupmethod"]

F = TypeVar("F", bound=Callable[..., Any])
T_after_request = TypeVar("T_after_request", bound="ft.AfterRequestCallable[Any]")
T_before_request = TypeVar("T_before_request", bound="ft.BeforeRequestCallable")
T_error_handler = TypeVar("T_error_handler", bound="ft.ErrorHandlerCallable")
T_teardown = TypeVar("T_teardown", bound="ft.TeardownCallable")
T_template_context_processor = TypeVar("T_template_context_processor", bound="ft.TemplateContextProcessorCallable")
T_url_defaults = TypeVar("T_url_defaults", bound="ft.URLDefaultCallable")
T_url_value_preprocessor = TypeVar("T_url_value_preprocessor", bound="ft.URLValuePreprocessorCallable")
T_route = TypeVar("T_route", bound="ft.RouteCallable")

_sentinel: Any = object()


def setupmethod(f: F) -> F:
    """Mark a method that is only of use before the app has answered its first request."""
    name = f.__name__

    def check_and_call(self: Scaffold, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return cast("F", update_wrapper(check_and_call, f))


def _default_template_ctx_processor() -> dict[str, Any]:
    """Give templates `g`, `request` and `session`, as objects instead of proxies where they are current."""
    context, active = _cv_app.get(None), _cv_request.get(None)
    names: dict[str, Any] = {}
    if context is not None:
        names["g"] = context.g
    if active is not None:
        names["request"] = active.request  # not the session: reading it here would make every page vary by cookie
    return names


class Scaffold:
    """Registers views and functions.  None as a key means "all of this app or blueprint"."""

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self._registry = version = make_version()
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path

        self.view_functions: dict[str, ft.RouteCallable] = TrackedDict(version)
        self.error_handler_spec: dict[ft.AppOrBlueprintKey, dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]]] = (
            error_handlers(version)
        )
        self.before_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]] = hooks(version)
        self.after_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[Any]]] = hooks(version)
        self.teardown_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]] = hooks(version)
        self.template_context_processors: dict[ft.AppOrBlueprintKey, list[ft.TemplateContextProcessorCallable]] = hooks(version)
        self.url_value_preprocessors: dict[ft.AppOrBlueprintKey, list[ft.URLValuePreprocessorCallable]] = hooks(version)
        self.url_default_functions: dict[ft.AppOrBlueprintKey, list[ft.URLDefaultCallable]] = hooks(version)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def _version(self) -> int:
        """Rises with every change of what is registered here."""
        return self._registry.number

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    @cached_property
    def cli(self) -> AppGroup:
        """The commands registered here.  Made when first asked for, so that serving does not import click."""
        from kolben.commands import AppGroup

        return AppGroup(name=self.name)

    # -- Folders

    @property
    def static_folder(self) -> str | None:
        """Absolute path of the folder with static files, or None."""
        return None if self._static_folder is None else os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """URL prefix of static files; by default the folder's name."""
        if self._static_url_path is None and self.static_folder is not None:
            return f"/{os.path.basename(self.static_folder)}".rstrip("/")
        return self._static_url_path

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """Finds the templates of this folder; None without one."""
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how many seconds a browser may keep a sent file; None: it asks again.  To be overridden."""
        from kolben.app.files import default_max_age

        return default_max_age()

    def send_static_file(self, filename: str) -> Response:
        """Answer with a file of the static folder: the view behind the "static" endpoint."""
        from kolben.app.files import send_from_directory

        if self.static_folder is None:
            raise RuntimeError("'static_folder' must be set to serve static_files.")
        return send_from_directory(self.static_folder, filename, max_age=self.get_send_file_max_age(filename))

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> IO[Any]:
        """Open a file that lies beside the app's code, for reading.  `encoding` is for text modes."""
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Resources can only be opened for reading.")
        return open(os.path.join(self.root_path, resource), mode, encoding=None if mode == "rb" else encoding)

    # -- Routes

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        """Register the decorated view for a URL rule.  Options as for `add_url_rule`."""

        def decorate(f: T_route) -> T_route:
            self.add_url_rule(rule, options.pop("endpoint", None), f, **options)
            return f

        return decorate

    @setupmethod
    def get(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: Any) -> Callable[[T_route], T_route]:
        return self._method_route("PATCH", rule, options)

    def _method_route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Register the decorated view for an endpoint whose rules are added elsewhere."""

        def decorate(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorate

    # -- Hooks

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Call a function before the view.  If it returns something, that is the answer and the view is not called."""
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Give the response to a function, which returns it or another one."""
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Call a function, with the error or None, when the request is over.  Last registered, first called."""
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Add the names that a function returns to what templates see."""
        self.template_context_processors.setdefault(None, []).append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Give endpoint and view args to a function, which may change them, before the before-request functions."""
        self.url_value_preprocessors.setdefault(None, []).append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Give endpoint and values to a function, which may add to them, whenever a URL is built."""
        self.url_default_functions.setdefault(None, []).append(f)
        return f

    # -- Error handlers

    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function for a status or an exception class."""

        def decorate(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorate

    @setupmethod
    def register_error_handler(self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable) -> None:
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(exc_class_or_code: type[Exception] | int) -> tuple[type[Exception], int | None]:
        exc_class: Any = exc_class_or_code
        if isinstance(exc_class_or_code, int):
            exc_class = default_exceptions.get(exc_class_or_code)
            if exc_class is None:
                raise ValueError(
                    f"'{exc_class_or_code}' is not a recognized HTTP error code. Use a subclass of HTTPException with that code instead."
                )
        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Handlers can only be registered for Exception classes or HTTP error codes."
            )
        if not isinstance(exc_class, type) or not issubclass(exc_class, Exception):
            raise ValueError(  # noqa: TRY004 - Flask's
                f"'{getattr(exc_class, '__name__', exc_class)}' is not a subclass of Exception."
                " Handlers can only be registered for Exception classes or HTTP error codes."
            )
        return exc_class, exc_class.code if issubclass(exc_class, HTTPException) else None


def _endpoint_from_view_func(view_func: ft.RouteCallable | None) -> str:
    if view_func is None:
        raise AssertionError("expected view func if endpoint is not provided.")
    return view_func.__name__


@cache
def _split_blueprint_path(name: str) -> list[str]:
    """Return a blueprint and those around it, innermost first: "a.b" gives ["a.b", "a"]."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]

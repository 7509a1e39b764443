"""What an app is before it has any route: its name, its configuration, and the classes it makes things of."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from functools import cached_property
from inspect import iscoroutinefunction
from typing import IO, TYPE_CHECKING, Any, ClassVar

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter

from kolben.app.config import Config, ConfigAttribute
from kolben.app.contexts import AppGlobals
from kolben.app.json.provider import DefaultJSONProvider, JSONProvider
from kolben.app.places import find_package
from kolben.app.registries import TrackedDict, TrackedList
from kolben.app.scaffold import Scaffold, _default_template_ctx_processor
from kolben.app.shapes import CONTEXT_METHODS, AppType, in_our_shape
from kolben.app.wrappers import Request, Response
from kolben.routing import Map, Rule
from kolben.sessions import SecureCookieSessionInterface, SessionInterface

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine

    from kolben.app import typing as ft
    from kolben.app.blueprints import Blueprint
    from kolben.commands.runner import FlaskCliRunner
    from kolben.testing import FlaskClient

__all__ = ["Settings", "get_debug_flag", "get_load_dotenv"]

_NO = {"0", "false", "no"}


def get_debug_flag() -> bool:
    """Tell whether the environment asks for debug mode (FLASK_DEBUG)."""
    value = os.environ.get("FLASK_DEBUG")
    return bool(value) and str(value).lower() not in _NO


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether .env files are to be loaded (FLASK_SKIP_DOTENV says no)."""
    value = os.environ.get("FLASK_SKIP_DOTENV")
    return value.lower() in _NO if value else default


def _as_timedelta(value: timedelta | int | None) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, int) else value


class Settings(Scaffold, metaclass=AppType):
    """The lowest storey of the app.

    Arguments as in Flask:

    Args:
        import_name: Usually `__name__`; where the app's files are found.
        static_url_path: URL prefix of static files; left out, the folder's name.
        static_folder: Folder of static files below the root; None: none.
        static_host: Host of the static rule; needed with host_matching and a static folder.
        host_matching: Rules match the whole host name.
        subdomain_matching: Rules match the part of the host name before SERVER_NAME.
        template_folder: Folder of templates below the root; None: none.
        instance_path: Absolute path of the instance folder; left out, found beside the package or under the prefix.
        instance_relative_config: Configuration files are looked up in the instance folder.
        root_path: Left out, the folder of `import_name`.
    """

    default_config: ClassVar[Any] = ImmutableDict(
        {
            "APPLICATION_ROOT": "/",
            "DEBUG": None,
            "EXPLAIN_TEMPLATE_LOADING": False,
            "MAX_CONTENT_LENGTH": None,  # bytes of a body
            "MAX_COOKIE_SIZE": 4093,  # bytes
            "MAX_FORM_MEMORY_SIZE": 500_000,  # bytes of one form field that is not a file
            "MAX_FORM_PARTS": 1_000,
            "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
            "PREFERRED_URL_SCHEME": "http",
            "PROPAGATE_EXCEPTIONS": None,
            "PROVIDE_AUTOMATIC_OPTIONS": True,
            "SECRET_KEY": None,
            "SECRET_KEY_FALLBACKS": None,
            "SEND_FILE_MAX_AGE_DEFAULT": None,
            "SERVER_NAME": None,
            "SESSION_COOKIE_DOMAIN": None,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_NAME": "session",
            "SESSION_COOKIE_PARTITIONED": False,
            "SESSION_COOKIE_PATH": None,
            "SESSION_COOKIE_SAMESITE": None,
            "SESSION_COOKIE_SECURE": False,
            "SESSION_REFRESH_EACH_REQUEST": True,
            "TEMPLATES_AUTO_RELOAD": None,
            "TESTING": False,
            "TRAP_BAD_REQUEST_ERRORS": None,
            "TRAP_HTTP_EXCEPTIONS": False,
            "TRUSTED_HOSTS": None,
            "USE_X_SENDFILE": False,
        }
    )

    # What things are made of; a subclass may say otherwise.
    aborter_class: type[Aborter] = Aborter
    app_ctx_globals_class: type[AppGlobals] = AppGlobals
    config_class: type[Config] = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    request_class: type[Request] = Request
    response_class: type[Response] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()
    test_cli_runner_class: type[FlaskCliRunner] | None = None
    test_client_class: type[FlaskClient] | None = None
    url_map_class: type[Map] = Map
    url_rule_class: type[Rule] = Rule

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute[str | bytes | None]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta]("PERMANENT_SESSION_LIFETIME", get_converter=_as_timedelta)  # type: ignore[arg-type]  # None stays None

    _got_first_request = False

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError("If an instance path is provided it must be absolute. A relative path was given instead.")
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)  # type: ignore[arg-type]  # an App, once it is built
        self.extensions: dict[str, Any] = {}
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self._make_registries()
        self._add_first_rules(static_host, host_matching)

    def _add_first_rules(self, static_host: str | None, host_matching: bool) -> None:
        """Add the rules that an app begins with.  A higher storey knows which."""

    def _make_registries(self) -> None:
        version = self._registry
        self.template_context_processors[None].append(_default_template_ctx_processor)
        self.blueprints: dict[str, Blueprint] = TrackedDict(version)
        self.endpoint_options: dict[str, dict[str, Any]] = TrackedDict(version, nested=TrackedDict)
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = TrackedList(version)
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = TrackedList(version)
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]] = TrackedList(version)

    # -- Overridden and replaced parts are noticed

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in CONTEXT_METHODS & cls.__dict__.keys():
            function = in_our_shape(name, cls.__dict__[name], bound=False)
            if function is not cls.__dict__[name]:
                setattr(cls, name, function)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in CONTEXT_METHODS:
            value = in_our_shape(name, value, bound=True)
        super().__setattr__(name, value)
        if name != "_got_first_request":
            self._registry.bump()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._registry.bump()

    # -- Names and places

    @cached_property
    def name(self) -> str:  # type: ignore[override]  # assignable, as Flask's
        """The import name; for a script, the script's."""
        if self.import_name != "__main__":
            return self.import_name
        script: str | None = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if script is None else os.path.splitext(os.path.basename(script))[0]

    @cached_property
    def logger(self) -> logging.Logger:
        from kolben.app.logging import create_logger

        return create_logger(self)  # type: ignore[arg-type]  # every app is an App, storeys and all

    def auto_find_instance_path(self) -> str:
        """Return the instance folder: beside an app that is not installed, under `var` of the prefix otherwise."""
        prefix, package_path = find_package(self.import_name)
        return os.path.join(package_path, "instance") if prefix is None else os.path.join(prefix, "var", f"{self.name}-instance")

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file of the instance folder.  `encoding` is for text modes."""
        return open(os.path.join(self.instance_path, resource), mode, encoding=None if "b" in mode else encoding)

    # -- Configuration

    def make_config(self, instance_relative: bool = False) -> Config:
        """Make the config.  To be overridden."""
        defaults = {**self.default_config, "DEBUG": get_debug_flag()}
        return self.config_class(self.instance_path if instance_relative else self.root_path, defaults)

    def make_aborter(self) -> Aborter:
        """Make what `abort()` calls.  To be overridden."""
        return self.aborter_class()

    @property
    def debug(self) -> bool:
        return bool(self.config["DEBUG"])

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None and "jinja_env" in self.__dict__:
            self.__dict__["jinja_env"].auto_reload = value  # an environment made later reads `debug` itself

    # -- Calling functions that may be async

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that can be called plainly: the same, or for an `async def` one that waits for its result."""
        return self.async_to_sync(func) if iscoroutinefunction(func) else func

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Make a plain function of an async one.  To be overridden, for another event loop."""
        from kolben.app.waiting import async_to_sync

        return async_to_sync(self, func)  # type: ignore[arg-type]  # every app is an App, storeys and all

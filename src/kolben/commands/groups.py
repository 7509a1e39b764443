"""Command groups that know the app they work for."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from functools import update_wrapper
from importlib import metadata
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from kolben.app.globals import _cv_app, current_app
from kolben.app.settings import get_debug_flag, get_load_dotenv
from kolben.commands.finding import NoAppException, find_app

if TYPE_CHECKING:
    from kolben.app.app import App

__all__ = ["AppGroup", "FlaskGroup", "ScriptInfo", "pass_script_info", "with_appcontext"]

F = TypeVar("F", bound=Callable[..., Any])


class ScriptInfo:
    """How a command finds its app.  Click hands it from group to command.

    Args:
        app_import_path: Where the app is, such as "hello.py:app"; None: `wsgi.py` or `app.py`.
        create_app: Makes the app instead.
        set_debug_flag: Set the app's debug mode by FLASK_DEBUG when it is loaded.
        load_dotenv_defaults: Whether .env and .flaskenv are to be read; whoever reads them asks here.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., App] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self._loaded_app: App | None = None

    def load_app(self) -> App:
        """Return the app; it is looked for once.

        Raises:
            NoAppException: There is none, with what to do.
        """
        if self._loaded_app is None:
            app = find_app(self.app_import_path) if self.create_app is None else self.create_app()
            if app is None:
                raise NoAppException("Could not locate a Flask application: the function that was to create it returned None.")
            if self.set_debug_flag:
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: F) -> F:
    """Let a command run in the app's context.  Commands of `app.cli` do so by themselves."""

    @click.pass_context
    def in_context(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        if _cv_app.get(None) is None:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(current_app.ensure_sync(f) if iscoroutinefunction(f) else f, *args, **kwargs)

    return cast("F", update_wrapper(in_context, f))


class AppGroup(click.Group):
    """A group whose commands run in the app's context."""

    def command(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:  # type: ignore[override]  # click declares overloads; this passes on what it gets
        """Register a command, as click does; with_appcontext=False leaves the context out."""
        in_context = kwargs.pop("with_appcontext", True)
        register = super().command

        def decorate(f: Callable[..., Any]) -> click.Command:
            return cast("click.Command", register(*args, **kwargs)(with_appcontext(f) if in_context else f))

        return decorate

    def group(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Group]:  # type: ignore[override]  # click declares overloads; this passes on what it gets
        """Register a group, an AppGroup unless `cls` says otherwise."""
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)  # type: ignore[no-any-return]  # of Any goes Any


class FlaskGroup(AppGroup):
    """The group of a command line program for an app: its own commands, those of plugins, and the app's.

    Args:
        add_default_commands: `run`, `shell`, `routes`.
        create_app: Makes the app, instead of --app.
        add_version_option: --version.
        load_dotenv: Read .env and .flaskenv.
        set_debug_flag: Set the app's debug mode by FLASK_DEBUG.
        extra: For click's Group.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., App] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        from kolben.commands import options
        from kolben.commands.running import run_command
        from kolben.commands.showing import routes_command, shell_command

        params = [*(extra.pop("params", None) or ()), options.env_file, options.app, options.debug]
        if add_version_option:
            params.append(options.version)
        extra["context_settings"] = {"auto_envvar_prefix": "FLASK", **(extra.get("context_settings") or {})}
        super().__init__(params=params, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)
        self._loaded_plugin_commands = False

    def _load_plugin_commands(self) -> None:
        if not self._loaded_plugin_commands:
            for entry in metadata.entry_points(group="flask.commands"):
                self.add_command(entry.load(), entry.name)
            self._loaded_plugin_commands = True

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        self._load_plugin_commands()
        command = super().get_command(ctx, name)  # before the app's: `routes` must work with an app that does not
        if command is not None:
            return command
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as error:
            click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")
            return None
        # Its command group may be loaded lazily, by code that wants a current app.
        context = _cv_app.get(None)
        if context is None or context.app is not app:
            ctx.with_resource(app.app_context())
        return app.cli.get_command(ctx, name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load_plugin_commands()
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:  # --help must not fail, whatever the app does
            click.secho(f"Error: {error.format_message()}\n", err=True, fg="red")
        except Exception:
            click.secho(f"{traceback.format_exc()}\n", err=True, fg="red")
        return sorted(names)

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        os.environ["FLASK_RUN_FROM_CLI"] = "true"  # an `app.run()` at the end of the app's file must not serve now
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(create_app=self.create_app, set_debug_flag=self.set_debug_flag, load_dotenv_defaults=self.load_dotenv)
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from kolben.commands import options

        asks_for_help = (not args and self.no_args_is_help) or (len(args) == 1 and args[0] in self.get_help_option_names(ctx))
        if asks_for_help:  # which ends before other options are read, but lists the app's commands
            options.env_file.handle_parse_result(ctx, {}, [])
            options.app.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)

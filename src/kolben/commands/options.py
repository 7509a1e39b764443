"""The options that stand before every command: which app, which environment, debug or not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from typing import Any

import click
from click.core import ParameterSource

from kolben.app.environment import load_dotenv
from kolben.commands.groups import ScriptInfo

__all__ = ["app", "debug", "env_file", "get_version", "version"]


def get_version(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Print the versions of what runs, and end."""
    if not value or ctx.resilient_parsing:
        return
    from kolben import __version__

    lines = (
        f"Python {platform.python_version()}",
        f"Flask {_flask_version()}",
        f"Werkzeug {importlib.metadata.version('werkzeug')}",
        f"Kolben {__version__}",
    )
    click.echo("\n".join(lines), color=ctx.color)
    ctx.exit()


def _flask_version() -> str:
    try:
        return importlib.metadata.version("flask")
    except importlib.metadata.PackageNotFoundError:
        return "(its API, by Kolben)"


def _set_app(ctx: click.Context, param: click.Option, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


def _set_debug(ctx: click.Context, param: click.Option, value: bool) -> bool | None:
    if ctx.get_parameter_source(param.name or "") in {None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP}:
        return None  # FLASK_DEBUG stays as it is
    # By the environment, so that it holds for the process that a reloader starts, too.
    os.environ["FLASK_DEBUG"] = "1" if value else "0"
    return value


def _read_env_file(ctx: click.Context, param: click.Option, value: str | None) -> str | None:
    try:
        import dotenv  # noqa: F401 - whether it is there
    except ImportError:
        if value is not None:
            raise click.BadParameter("python-dotenv must be installed to load an env file.", ctx=ctx, param=param) from None
    if value is not None or ctx.obj.load_dotenv_defaults:
        load_dotenv(value, load_defaults=ctx.obj.load_dotenv_defaults)
    return value


version = click.Option(
    ["--version"], help="Show the versions and exit.", expose_value=False, callback=get_version, is_flag=True, is_eager=True
)
app = click.Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The app, or the function that makes it: 'module:name', the module a dotted name or a file. The name may be left out if it"
        " is 'app', 'application', 'create_app' or 'make_app', and may be 'name(args)'."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)
debug = click.Option(["--debug/--no-debug"], help="Set debug mode.", expose_value=False, callback=_set_debug)
env_file = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Read environment variables from this file. It goes before '.env' and '.flaskenv'; what is set already goes before all."
        " Needs python-dotenv."
    ),
    is_eager=True,
    expose_value=False,
    callback=_read_env_file,
)

"""Serving an app: `app.run()` and the command `run`, with the environment read first."""

from __future__ import annotations

import os
import traceback
from types import FunctionType
from typing import TYPE_CHECKING, Any

import click
import werkzeug.serving
from werkzeug.serving import is_running_from_reloader

from kolben.app.settings import get_debug_flag, get_load_dotenv
from kolben.commands import options
from kolben.commands.environment import load_dotenv
from kolben.commands.groups import ScriptInfo, pass_script_info
from kolben.commands.values import CertParamType, SeparatedPathType, validate_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kolben.app.app import App

__all__ = ["run_app", "run_command", "serve", "show_server_banner"]


def show_server_banner(debug: bool | None, app_import_path: str | None) -> None:
    """Print what is served, once: not again in the process that a reloader started."""
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Flask app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")


def _replaced_run_simple() -> Callable[..., None] | None:
    """Return what somebody put in the place of Werkzeug's run_simple: a test's recorder, an instrument."""
    current: Any = werkzeug.serving.run_simple
    if isinstance(current, FunctionType) and current.__globals__ is vars(werkzeug.serving):
        return None
    return current  # type: ignore[no-any-return]


def serve(host: str, port: int, app: Any, *, debug: bool, **server_options: Any) -> None:
    """Serve with our own server, or with what replaced Werkzeug's."""
    replacement = _replaced_run_simple()
    if replacement is not None:
        replacement(host, port, app, **server_options)
        return
    from kolben.server import run_app as run_on_our_server

    run_on_our_server(app, binds=[bind_of(host, port)], debug=debug)


def bind_of(host: str, port: int) -> str:
    """Write host and port as the server reads them."""
    if host.startswith("unix:"):  # "unix://path" is Flask's spelling
        return "unix:" + host.removeprefix("unix:").removeprefix("//")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run_app(app: App, host: str | None, port: int | None, debug: bool | None, read_dotenv: bool, server_options: dict[str, Any]) -> None:
    """Do what `App.run` promises."""
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":  # a command imports the file: serving is not what it was asked for
        if not is_running_from_reloader():
            click.secho(
                " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command.\n"
                "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
                fg="red",
            )
        return
    if get_load_dotenv(read_dotenv):
        load_dotenv()
        if "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    host, port = _address(app, host, port)
    server_options.setdefault("use_reloader", app.debug)
    server_options.setdefault("use_debugger", app.debug)
    server_options.setdefault("threaded", True)
    show_server_banner(app.debug, app.name)
    try:
        serve(host, port, app, debug=app.debug, **server_options)
    finally:
        app._got_first_request = False  # in an interactive session, registering may go on


def _address(app: App, host: str | None, port: int | None) -> tuple[str, int]:
    named_host, _, named_port = (app.config.get("SERVER_NAME") or "").partition(":")
    if port is None:
        port = int(named_port or 5000)
    return host or named_host or "127.0.0.1", int(port)


def _load_or_explain(info: ScriptInfo) -> Any:
    """Load the app.  After a reload, an app that fails to load answers with its error: the reloader goes on and waits."""
    try:
        return info.load_app()
    except Exception as error:
        if not is_running_from_reloader():
            raise
        traceback.print_exc()
        failure = error

    def fail(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise failure from None

    return fail


@click.command("run", short_help="Run a development server.")
@click.option("--host", "-h", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", "-p", default=5000, help="The port to listen on.")
@click.option("--cert", type=CertParamType(), is_eager=True, help="A certificate file, for HTTPS.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=validate_key,
    expose_value=False,
    help="The key file of the certificate.",
)
@click.option("--reload/--no-reload", default=None, help="Start again when a file changes; by default in debug mode.")
@click.option("--debugger/--no-debugger", default=None, help="Show errors interactively; by default in debug mode.")
@click.option("--with-threads/--without-threads", default=True, help="Run views in threads.")
@click.option(
    "--extra-files",
    type=SeparatedPathType(),
    default=None,
    help=f"More files whose change starts the server again, separated by {os.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    type=SeparatedPathType(),
    default=None,
    help=f"Files whose change does not, as fnmatch patterns, separated by {os.pathsep!r}.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the app.

    Debug mode, and with it reloading and the interactive debugger, is switched on by '--debug'.
    """
    app = _load_or_explain(info)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    serve(
        host,
        port,
        app,
        debug=debug,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


run_command.params.insert(0, options.debug)  # "run --debug" as well as "--debug run"

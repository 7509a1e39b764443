"""The command `run`."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

import click

from kolben.app.running import is_running_from_reloader, serve, show_server_banner
from kolben.app.settings import get_debug_flag
from kolben.commands import options
from kolben.commands.groups import ScriptInfo, pass_script_info
from kolben.commands.values import CertParamType, SeparatedPathType, validate_key

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["run_command"]


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

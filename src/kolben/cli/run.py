"""`kolben run`: serve an app."""

import contextlib
import gc
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from kolben.base.errors import UsageError
from kolben.cli.environment import is_set, load_files
from kolben.cli.finder import find_app
from kolben.cli.options import SWITCH, Options, number, parse
from kolben.cli.target import locate

__all__ = ["command"]

HOST, PORT = "127.0.0.1", "5000"
read_port = number(0, 65535)

OPTIONS: Options = {
    ("--host",): {"help": f"interface or address to listen on (FLASK_RUN_HOST, or {HOST})"},
    ("--port", "-p"): {"type": read_port, "help": f"port to listen on, 0 for any free one (FLASK_RUN_PORT, or {PORT})"},
    ("--bind", "-b"): {
        "action": "append",
        "metavar": "SPEC",
        "help": "instead of host and port, and more than once: host:port, [::1]:port, unix:/path, fd://3",
    },
    ("--prod",): {"action": "store_true", "help": "as `kolben serve`, whose --help has further options: workers, no debug mode"},
    ("--debug",): {"action": SWITCH, "default": None, "help": "debug mode (FLASK_DEBUG)"},
    ("--reload",): {"action": SWITCH, "default": None, "help": "start again when a file has changed (in debug mode)"},
    ("--debugger",): {"action": SWITCH, "default": None, "help": "errors in the browser, with a console for each frame (in debug mode)"},
    ("--threads",): {"type": number(1, 10_000), "metavar": "N", "help": "threads that run sync views"},
    ("--access-log",): {"action": SWITCH, "default": None, "help": "one log line per request"},
    ("--no-flask",): {"action": "store_true", "help": "leave `import flask` alone: by default it means Kolben"},
    ("--interface",): {
        "choices": ("kolben", "wsgi", "asgi"),
        "help": "how to call an application of another framework, where that cannot be seen; an app of ours as WSGI or ASGI",
    },
}


def command(arguments: list[str]) -> int:
    """Find the app and serve it until somebody says stop."""
    if "--prod" in arguments:
        from kolben.cli.serve import command as serve

        return serve([word for word in arguments if word != "--prod"])
    options = parse("run", "Serve an app.", OPTIONS, arguments, sibling="serve")
    prepare(options)
    development(options)
    if options.reload and os.environ.get("WERKZEUG_RUN_MAIN") != "true":
        from kolben import dev

        return dev.reload(binds_of(options))
    with uncollected():
        app = load_or_explain(options)
        from kolben.server import run_app  # here, where nothing is collected
    binds = binds_of(options)
    for problem in unfit(app):
        print(f"kolben: {problem}", file=sys.stderr)  # noqa: T201 - for the person who starts the app
    if not (options.reload or options.debugger):
        run_app(app, binds=binds, debug=app.debug, threads=options.threads, access_log=options.access_log)
        return 0
    from kolben import dev

    wanted = dev.Development(reload=options.reload, debug=options.debugger)
    dev.serve(app, binds, wanted, threads=options.threads, access_log=options.access_log)
    return 0


def development(options: Namespace) -> None:
    """Say in the options what follows from debug mode."""
    debug = is_set("FLASK_DEBUG")
    options.reload = debug if options.reload is None else options.reload
    options.debugger = debug if options.debugger is None else options.debugger


def load_or_explain(options: Namespace) -> Any:
    """Load the app.  One that fails after a file was changed answers with its error until the next change."""
    try:
        return find(options)
    except Exception as error:
        if not (options.reload and os.environ.get("KOLBEN_RELOADED")):
            raise
        print(error if isinstance(error, UsageError) else traceback.format_exc(), file=sys.stderr)  # noqa: T201 - for the person who changed it
        failure = error

    def fail(environ: Any, start_response: Any) -> Any:
        raise failure

    return fail


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector rest: what imports make is no garbage, and looking through it takes a fifth of the time of the start."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def unfit(app: Any) -> list[str]:
    """Say which views can never be called by their rules.  The others are served: it is a warning."""
    from kolben.app.app import App
    from kolben.app.signatures import unfit_views

    return list(unfit_views(app)) if isinstance(app, App) else []


def load_app(options: Namespace) -> Any:
    """Return the app that the command line or the environment names, in debug mode or not."""
    prepare(options)
    return find(options)


def prepare(options: Namespace) -> None:
    """Complete the environment, before anything of the user's is imported."""
    load_files()
    if options.debug is not None:
        os.environ["FLASK_DEBUG"] = "1" if options.debug else "0"  # the user's file may ask for it while it is imported
    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # as Flask does: an app.run() that no `if __name__` guards does nothing then


def find(options: Namespace) -> Any:
    """Import the app that the command line or the environment names."""
    targets = locate(options.target)
    if not options.no_flask:
        open_doors()
    interface = getattr(options, "interface", None)
    app = find_app(targets, callable) if interface in {"wsgi", "asgi"} else find_app(targets)
    app = hosted(app, interface) if hasattr(options, "interface") else own(app)
    app.debug = is_set("FLASK_DEBUG")  # Flask: same; the command line says it, not the file
    return app


def hosted(app: Any, interface: str | None) -> Any:
    """Return what the server can serve: an app of ours as it is, another one with a handler."""
    from kolben.cli.finder import is_app

    if is_app(app) and interface in {None, "kolben"}:
        return app
    if interface == "kolben":
        raise UsageError(f"--interface kolben: expected a kolben.App, got {app!r:.200}")
    from kolben.interop.detection import interface_of
    from kolben.interop.hosted import Hosted

    return Hosted(app.asgi if interface == "asgi" and is_app(app) else app, interface or interface_of(app))  # type: ignore[arg-type]  # it has one


def own(app: Any) -> Any:
    """Return an app of ours; refuse others for commands that look inside."""
    from kolben.cli.finder import is_app

    if not is_app(app):
        raise UsageError(f"expected a kolben.App, got {app!r:.200}, which can be served (`kolben run`) but not looked into")
    return app


def open_doors() -> None:
    """Make `import flask` mean Kolben."""
    from kolben.flask import install

    install()


def binds_of(options: Namespace) -> list[str]:
    """Return where to listen, as bind specs."""
    if options.bind:
        if options.host or options.port is not None:
            raise UsageError("expected --bind, or --host and --port, got both\n  Do: say all of it by --bind, as in --bind 127.0.0.1:8000")
        return list(options.bind)
    host = options.host or os.environ.get("FLASK_RUN_HOST") or HOST
    if host.startswith("unix:"):
        return ["unix:" + host.removeprefix("unix:").removeprefix("//")]  # Flask's unix:///path
    port = options.port if options.port is not None else environment_port()
    return [f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"]


def environment_port() -> int:
    """Return the port that the environment names, else Flask's."""
    from argparse import ArgumentTypeError

    try:
        return read_port(os.environ.get("FLASK_RUN_PORT") or PORT)
    except ArgumentTypeError as error:
        raise UsageError(f"FLASK_RUN_PORT: {error}") from None

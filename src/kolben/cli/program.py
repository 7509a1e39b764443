"""The program `kolben`: which commands there are, and what a failure looks like.

A command is a module of this room with `command(arguments) -> exit status`.  It is imported when it is asked for: the time from
`kolben run` to the first answer is measured, and what is not used is not waited for.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from kolben.base.errors import UsageError
from kolben.cli.terminal import did_you_mean, show, strong, tell

__all__ = ["COMMANDS", "main", "main_of_module"]

COMMANDS = {
    "run": "Serve an app.",
    "serve": "Serve an app on the internet: `run --prod`.",
    "reload": "Let a running `serve` load the app anew.",
    "check": "Say what is unsafe in an app's configuration for production.",
    "routes": "Show an app's rules, and where their views run.",
    "flask": "What `flask` does, on Kolben; `adopt` makes it this environment's flask.",
}
FLAGS = {"--help": "Show this, or with a command its options.", "--version": "Show the versions of Kolben and of Python."}
EXAMPLES = """\
  kolben run hello.py             a file that builds an app
  kolben run shop.web:app         a module, and the app's name in it
  kolben run 'shop:create_app()'  a module, and a call that makes the app
  python -m kolben hello.py       the file as a script: its app.run() serves"""
WINDOWS = "Windows is not supported: install WSL (run `wsl --install` in an administrator's PowerShell) and use Kolben inside it"
INTERRUPTED = 130  # what shells say of a program that Control-C ended: 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, `kolben ARGUMENTS`, and return its exit status.

    0 is success, 1 a failure of the user's code, 2 something asked for that cannot be done.
    """
    return guarded(dispatch, sys.argv[1:] if arguments is None else arguments)


def main_of_module(arguments: Sequence[str]) -> int:
    """Run `python -m kolben ARGUMENTS`: a command, or else a file as a script."""
    return guarded(dispatch_module, arguments)


def guarded(program: Callable[[list[str]], int], arguments: Sequence[str]) -> int:
    """Run `program`; a refusal becomes one message without a traceback of ours."""
    if sys.platform == "win32":
        tell(WINDOWS)
        return 2
    try:
        return program(list(arguments))
    except UsageError as error:
        tell(str(error))
        return getattr(error, "exit_status", 2)
    except KeyboardInterrupt:
        return INTERRUPTED


def dispatch(arguments: list[str]) -> int:
    """Look the command up and run it."""
    name = arguments[0] if arguments else "--help"
    if name in COMMANDS:
        run: Callable[[list[str]], int] = import_module(f"kolben.cli.{name}").command
        return run(arguments[1:])
    if name in ("--help", "-h"):
        show(overview())
    elif name in ("--version", "-V"):
        show(version())
    else:
        raise unknown(name)
    return 0


def dispatch_module(arguments: list[str]) -> int:
    """Like `dispatch`, but a first argument that is no command is a script."""
    rest = arguments[1:] if arguments[:1] == ["--no-flask"] else arguments
    if not rest or rest[0] in COMMANDS or rest[0].startswith("-"):
        return dispatch(arguments)
    if is_file(rest[0]):
        return run_script(rest[0], rest[1:], doors=rest is arguments)
    raise unknown(rest[0])


def run_script(path: str, arguments: list[str], *, doors: bool) -> int:
    """Run a file as `python FILE` would."""
    from kolben.cli.script import run_script as run

    return run(path, arguments, doors=doors)


def is_file(text: str) -> bool:
    """Does a person mean a file by this?  One that is missing, too."""
    return text.endswith(".py") or Path(text).is_file()


def unknown(name: str) -> UsageError:
    """Say that there is no such command, and which was perhaps meant."""
    if name.startswith("-"):
        return UsageError(f"there is no option {name}{did_you_mean(name, FLAGS)}\n  Do: `kolben --help` lists the commands")
    if is_file(name.partition(":")[0]) or ":" in name:
        return UsageError(f"expected a command, got {name!r}\n  Do: `kolben run {name}` serves it")
    return UsageError(f"there is no command {name!r}{did_you_mean(name, COMMANDS)}\n  Do: choose one of {', '.join(COMMANDS)}")


def overview() -> str:
    """Say what there is to type."""
    rows = {"Commands": COMMANDS, "Options": FLAGS}
    width = max(len(name) for table in rows.values() for name in table)
    tables = [
        "\n".join([strong(f"{title}:"), *(f"  {name:<{width}}  {sentence}" for name, sentence in table.items())])
        for title, table in rows.items()
    ]
    usage = strong("Usage:") + " kolben COMMAND [OPTIONS] [TARGET]"
    return "\n\n".join([usage, *tables, strong("Examples:") + f"\n{EXAMPLES}"])


def version() -> str:
    """Say which Kolben this is, and on which Python."""
    from kolben import __version__

    python = ".".join(map(str, sys.version_info[:3]))
    return f"Kolben {__version__}\nPython {python} ({sys.executable})"

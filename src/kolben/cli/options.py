"""A command's options: one table per command, and refusals that say what was expected and what came.

argparse, not click: on the way to the first answer click costs about 50 ms and argparse 4 (both imported after Werkzeug).
"""

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NoReturn

from kolben.base.errors import UsageError
from kolben.cli.terminal import did_you_mean

__all__ = ["SWITCH", "TARGET", "Options", "number", "parse"]

Options = Mapping[tuple[str, ...], Mapping[str, Any]]

SWITCH = BooleanOptionalAction  # --name and --no-name; without either None
TARGET = """\
TARGET is a file (hello.py), a folder with app.py, wsgi.py or main.py, or a module (shop.web).
Behind a colon, the app's name or a call that makes it: hello.py:app, 'shop:create_app("test", port=1)'.
Without TARGET: the variable FLASK_APP, then app.py, wsgi.py or main.py in this folder."""


class Parser(ArgumentParser):
    """A parser whose refusals are UsageErrors."""

    def error(self, message: str) -> NoReturn:
        """Refuse, where argparse would print and exit."""
        raise UsageError(f"{message}\n  Do: `{self.prog} --help` shows the options")


def parse(command: str, sentence: str, options: Options, arguments: list[str], *, target: bool = True, sibling: str = "") -> Namespace:
    """Read `arguments` by the table `options`, and beside them one optional TARGET, for a command that has one.

    `sibling` is the command that a person means who takes an option of it.

    Raises:
        UsageError: an option that is not in the table, a value that does not fit, or more than one TARGET.
    """
    parser = Parser(
        prog=f"kolben {command}",
        description=f"{sentence}\n\n{TARGET}" if target else sentence,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if target:
        parser.add_argument("target", metavar="TARGET", nargs="?")
    for flags, settings in options.items():
        parser.add_argument(*flags, **settings)
    namespace, rest = parser.parse_known_args(arguments)
    if rest:
        refuse(parser, rest, options, target=target, sibling=sibling)
    return namespace


def refuse(parser: Parser, rest: list[str], options: Options, *, target: bool, sibling: str) -> NoReturn:
    """Say what is wrong with arguments that fit nothing."""
    flag = next((word.partition("=")[0] for word in rest if word.startswith("-")), None)
    if flag is None:
        parser.error(f"expected one TARGET, got {rest[0]!r} beside it" if target else f"expected options alone, got {rest[0]!r}")
    if sibling and flag in names(import_module(f"kolben.cli.{sibling}").OPTIONS):
        raise UsageError(f"there is no option {flag} here: `kolben {sibling}` has it\n  Do: `kolben {sibling} --help` shows its options")
    parser.error(f"there is no option {flag}{did_you_mean(flag, names(options))}")


def names(options: Options) -> list[str]:
    """Return every name of every option of a table."""
    return [name for flags in options for name in flags]


def number(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        if text.isascii() and text.isdecimal() and least <= int(text) <= most:
            return int(text)
        raise ArgumentTypeError(f"expected a number from {least} to {most}, got {text!r}")

    return read

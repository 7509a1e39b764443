"""How a sentence reaches a person: colours where they are wanted, and "did you mean"."""

import os
import sys
from collections.abc import Iterable
from typing import TextIO

__all__ = ["did_you_mean", "show", "strong", "tell", "wants_colour"]

BOLD, RED, RESET = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"


def wants_colour(stream: TextIO) -> bool:
    """Is `stream` a terminal, of somebody who did not set NO_COLOR (to anything but nothing, as no-color.org says)?"""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def strong(text: str) -> str:
    """Mark what stands out on standard output."""
    return f"{BOLD}{text}{RESET}" if wants_colour(sys.stdout) else text


def show(text: str) -> None:
    """Write to standard output what was asked for."""
    print(text)  # noqa: T201 - the program speaks here


def tell(message: str) -> None:
    """Write a message of the program to standard error: what it says is not what was asked for."""
    name = f"{RED}kolben:{RESET}" if wants_colour(sys.stderr) else "kolben:"
    print(name, message.rstrip("\n"), file=sys.stderr, flush=True)  # noqa: T201 - the program speaks here


def did_you_mean(came: str, expected: Iterable[str], cutoff: float = 0.6) -> str:
    """Return ". Did you mean …?" with the most similar of `expected`, "" when none is similar."""
    from difflib import get_close_matches

    similar = get_close_matches(came, sorted(set(expected)), n=1, cutoff=cutoff)
    return f". Did you mean {similar[0]}?" if similar else ""

"""Variables that say what the command line did not: FLASK_APP, FLASK_DEBUG, FLASK_RUN_HOST, FLASK_RUN_PORT, from `.env` files too.

Flask: same names, same order: the command line, then the environment, then `.env`, then `.flaskenv`.
"""

import os
from pathlib import Path

from kolben.base.errors import UsageError
from kolben.cli.terminal import tell

__all__ = ["is_set", "load_files"]

FILES = (".env", ".flaskenv")  # the first that knows a variable wins


def is_set(name: str) -> bool:
    """Does the variable say yes?  Anything but nothing, 0, false and no does."""
    return os.environ.get(name, "").lower() not in {"", "0", "false", "no"}


def load_files() -> None:
    """Put what `.env` and `.flaskenv` say, here or in a folder above, into the environment, unless it knows better.

    Reads nothing when FLASK_SKIP_DOTENV is set or python-dotenv is not installed; the latter is told when a file stands in this folder.
    """
    paths = [] if is_set("FLASK_SKIP_DOTENV") else [path for name in FILES if (path := find_upwards(name))]
    if not paths:
        return  # python-dotenv is not even imported
    try:
        from dotenv import dotenv_values
    except ImportError:
        tell_unread(paths)
        return
    for path in paths:
        try:
            values = dotenv_values(path, encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise UsageError(f"cannot read {path}: {error}\n  Do: make it readable UTF-8, or set FLASK_SKIP_DOTENV=1") from None
        for name, value in values.items():
            if value is not None:
                os.environ.setdefault(name, value)


def find_upwards(name: str) -> Path | None:
    """Return the nearest file of that name in this folder or one above."""
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / name).is_file()), None)


def tell_unread(paths: list[Path]) -> None:
    """Say which files of this very folder stay unread; one further above may be anybody's."""
    here = [path.name for path in paths if path.parent == Path.cwd()]
    if here:
        tell(f"{' and '.join(here)} not read, because python-dotenv is not installed\n  Do: pip install python-dotenv")

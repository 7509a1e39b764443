"""Environment variables from files: `.env`, `.flaskenv`."""

from __future__ import annotations

import os
import sys

__all__ = ["load_dotenv"]


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from `.flaskenv`, `.env` and a file; a later one goes before an earlier one.

    What is set already stays.  Needs python-dotenv.

    Returns:
        Whether any of them said anything.
    """
    try:
        import dotenv
    except ImportError:
        if path or os.path.isfile(".env") or os.path.isfile(".flaskenv"):
            tip = " * Tip: There are .env files present. Install python-dotenv to use them."
            print(tip, file=sys.stderr)  # noqa: T201 - said to the person who starts the app
        return False
    files = [dotenv.find_dotenv(name, usecwd=True) for name in (".flaskenv", ".env")] if load_defaults else []
    if path is not None and os.path.isfile(path):
        files.append(os.fspath(path))
    values: dict[str, str | None] = {}
    for file in filter(None, files):
        values.update(dotenv.dotenv_values(file, encoding="utf-8"))
    for key, value in values.items():
        if value is not None:
            os.environ.setdefault(key, value)
    return bool(values)

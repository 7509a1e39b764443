"""What a person typed as TARGET, as a place to import from: files, folders and modules.  Imports nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kolben.base.errors import UsageError
from kolben.cli.terminal import did_you_mean

__all__ = ["Target", "existing_file", "locate"]

NAMES = ("app.py", "wsgi.py", "main.py")
PACKAGE = "__init__.py"
EXPECTED = "expected a file (hello.py), a folder or a module (shop.web), perhaps with the app's name (hello.py:app)"


@dataclass(frozen=True, slots=True)
class Target:
    """One place where the app may be.

    Attributes:
        label: The place in the user's words, without what stands behind the colon.
        module: The dotted name to import.
        root: The folder that must be first in `sys.path` for that; absolute.
        file: The source file, absolute; None for a module that only the import system finds.
        expression: What stands behind the colon: the app's name or a call that makes it.
    """

    label: str
    module: str
    root: Path
    file: Path | None = None
    expression: str | None = None


def locate(text: str | None) -> list[Target]:
    """Return where the app may be, the likeliest place first.

    Args:
        text: What was typed; None asks FLASK_APP and then this folder.

    Raises:
        UsageError: there is no such place.
    """
    if text is not None:
        return list(places(text))
    if not (named := os.environ.get("FLASK_APP")):
        return default_places()
    try:
        return list(places(named))
    except UsageError as error:
        raise UsageError(f"FLASK_APP={named}: {error}") from None


def default_places() -> list[Target]:
    """Return the usual names that are in this folder."""
    found = [file_target(name, None) for name in NAMES if Path(name).is_file()]
    if not found:
        here = sorted(path.name for path in Path().glob("*.py"))
        hint = f" ({', '.join(here[:4])} {'is' if len(here) == 1 else 'are'} here)" if here else ""
        raise UsageError(
            f"no TARGET was given, FLASK_APP is not set, and none of {', '.join(NAMES)} is in {Path.cwd()}\n"
            f"  Do: name your app's file, as in `kolben run hello.py`{hint}"
        )
    return found


def places(text: str) -> Iterator[Target]:
    """Yield the places that `text` can mean."""
    place, expression = split(text)
    if Path(place).is_dir():
        yield from folder_targets(Path(place), expression)
    elif Path(f"{place}.py").is_file():
        yield file_target(f"{place}.py", expression)
    elif os.path.lexists(place) or place.endswith(".py") or os.sep in place:
        yield file_target(place, expression)
    else:
        yield module_target(place, expression)


def split(text: str) -> tuple[str, str | None]:
    """Part the place from what stands behind the colon; a file may have a colon in its name."""
    if text and Path(text).exists():
        return text, None
    place, colon, expression = text.partition(":")
    if not place or (colon and not expression.strip()):
        raise UsageError(f"{EXPECTED}, got {text!r}")
    return place, expression.strip() or None


def folder_targets(folder: Path, expression: str | None) -> Iterator[Target]:
    """Yield the files of a folder that may hold the app: the package itself, then the usual names."""
    found = [path for name in (PACKAGE, *NAMES) if (path := folder / name).is_file()]
    if not found:
        raise UsageError(
            f"the folder {folder} has none of {', '.join(NAMES)}\n  Do: name the file, as in `kolben run {folder / 'hello.py'}`"
        )
    for path in found:
        yield file_target(str(path), expression)


def module_target(name: str, expression: str | None) -> Target:
    """Return a module that is looked for in this folder first."""
    if not all(part.isidentifier() for part in name.split(".")):
        here = [path.name for path in Path().iterdir()]
        raise UsageError(f"{EXPECTED}, got {name!r}{did_you_mean(name, here)}")
    return Target(name, name, Path.cwd(), None, expression)


def file_target(label: str, expression: str | None) -> Target:
    """Return a file as the module that it is: `shop/web.py` is `shop.web` when `shop` is a package.

    Flask: same; a package ends where a folder has no `__init__.py`, here also where its name is no identifier.
    """
    file = existing_file(label)
    if "." in file.stem:
        raise UsageError(f"{label} cannot be imported, because of the dot in its name\n  Do: rename it to {file.stem.replace('.', '_')}.py")
    folder, parts = file.parent, [] if file.name == PACKAGE else [file.stem]
    while (folder / PACKAGE).is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return Target(label, ".".join(parts) or file.stem, folder, file, expression)


def existing_file(label: str) -> Path:
    """Return the real, absolute path of a Python file.

    Raises:
        UsageError: it is not there, or no Python file.
    """
    path = Path(label)
    if path.is_symlink() and not path.exists():
        raise UsageError(f"{label} is a link to {path.readlink()}, which is not there")
    if not path.exists():
        raise missing(path)
    if not path.is_file() or path.suffix != ".py":
        kind = "a file whose name does not end in .py" if path.is_file() else "no file"
        raise UsageError(f"expected a Python file (hello.py), got {label}, which is {kind}")
    return path.resolve()


def missing(path: Path) -> UsageError:
    """Say that a file is not there, and which similar one is."""
    if not path.parent.is_dir():
        return UsageError(f"there is no folder {path.parent}, so no file {path.name} in it (this folder is {Path.cwd()})")
    similar = did_you_mean(path.name, [file.name for file in path.parent.glob("*.py")])
    return UsageError(f"there is no file {path.name} in {path.parent.absolute()}{similar}")

"""When the user's code fails: the user's own traceback without our frames, and what a missing module probably is."""

import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, TracebackType

from kolben.base.errors import UsageError
from kolben.cli.target import Target
from kolben.cli.terminal import did_you_mean

__all__ = ["UserCodeError", "explain", "without_our_head"]

OURS = {"kolben", "importlib", "_frozen_importlib", "_frozen_importlib_external"}

# What is imported under another name than it is installed by.  Other names differ by `-` and `_` at most.
DISTRIBUTIONS = {
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


class UserCodeError(UsageError):
    """The user's own code failed; the message ends with the user's own traceback."""

    exit_status = 1


def explain(error: BaseException, doing: str, target: Target) -> UserCodeError:
    """Turn an exception of the user's code into a message.

    Args:
        error: What was raised.  Loses our frames for good.
        doing: What was being done, such as "importing hello.py".
        target: Where, for advice about modules that are missing.
    """
    trim(error)
    lines = [f"an error while {doing}:", "", "".join(traceback.format_exception(error)).rstrip()]
    if isinstance(error, ModuleNotFoundError) and error.name:
        lines += ["", f"  Do: {advice(error.name, target)}"]
    return UserCodeError("\n".join(lines))


def trim(error: BaseException) -> None:
    """Take our frames and the import system's out of a traceback, and out of those of its causes."""
    found: list[BaseException | None] = [error]
    seen: set[int] = set()
    while found:
        one = found.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = without_ours(one.__traceback__)
        found += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback of the user's frames alone; None when there are none."""
    kept = []
    while trace is not None:
        if not is_ours(trace.tb_frame):
            kept.append(trace)
        trace = trace.tb_next
    for entry in reversed(kept):
        trace = TracebackType(trace, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return trace


def without_our_head(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback from the user's first frame on."""
    while trace is not None and is_ours(trace.tb_frame):
        trace = trace.tb_next
    return trace


def is_ours(frame: FrameType) -> bool:
    """Tell by the module's name: a native frame has no file that we could look for."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in OURS


def advice(name: str, target: Target) -> str:
    """Say what to do about a module that was imported and is not there."""
    top = name.partition(".")[0]
    beside = target.file.parent if target.file else target.root
    if name == "flask":
        return "leave out --no-flask: without it `import flask` means Kolben; or install Flask"
    if beside != target.root and has_module(beside, top):
        return f"{top} is in the same package: `from . import {top}` or `from .{top} import …`"
    if top in sys.stdlib_module_names and not is_there(top):
        return f"{top} belongs to Python's standard library, but this Python ({sys.executable}) was built without it"
    if top != name and is_there(top):
        return f"{top} is there, but has no {name}: check the spelling, and the version of {top}"
    known = [*modules_in(beside), *modules_in(target.root), *sys.stdlib_module_names]
    similar = "" if top in DISTRIBUTIONS else did_you_mean(top, known, cutoff=0.8).removeprefix(". ")
    if similar:  # SECURITY: nobody is sent to install what a typing error names
        return f"check the spelling of {top}. {similar}"
    return f"install what is missing, with this Python: {sys.executable} -m pip install {DISTRIBUTIONS.get(top, top.replace('_', '-'))}"


def is_there(module: str) -> bool:
    """Can a top-level module be imported?"""
    try:
        return module in sys.modules or find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def has_module(folder: Path, name: str) -> bool:
    """Is there a file or a package of that name?"""
    return (folder / f"{name}.py").is_file() or (folder / name).is_dir()


def modules_in(folder: Path) -> list[str]:
    """Return the names of a folder's modules and packages."""
    return [entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or (entry.is_dir() and entry.name.isidentifier())]

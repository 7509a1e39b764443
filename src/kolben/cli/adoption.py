"""A `flask` in an environment that is Kolben: put in, and taken out again to the last file.

It is a distribution like those that pip installs, a RECORD included, so that `pip list` shows it, `pip check` is content and
`pip uninstall flask` works.  What was set aside for it waits in a folder beside it.

Invariant: nothing is written over and nothing is deleted that was not put there by `adopt`; the RECORD's hashes tell.
"""

import base64
import csv
import hashlib
import io
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kolben.base.errors import UsageError
from kolben.flask._install import FILES, FLASK_VERSION

__all__ = ["Place", "adopt", "place_of", "release"]

INSTALLER = "kolben"
PACKAGE = '''\
"""Flask's API, by Kolben: `kolben flask adopt` put this here, `kolben flask release` takes it out."""

import sys

try:
    import kolben.flask
except ModuleNotFoundError as error:
    if error.name != "kolben":
        raise
    raise ModuleNotFoundError(
        "this `flask` is Kolben's, and Kolben is not installed any more: `pip uninstall flask` takes it out", name="flask"
    ) from None

del sys.modules[__name__]  # kolben.flask takes its place: one module under two names
kolben.flask.install()
'''
SCRIPT = """\
#!{python}
import sys

from flask.cli import main

sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where packages of an environment are, and its commands; None: no commands are put there."""

    folder: Path
    scripts: Path | None

    @property
    def info(self) -> Path:
        """The folder with our metadata: the one that is there, of whatever version."""
        found = (path for path in self.folder.glob("flask-*.dist-info") if installer_of(path) == INSTALLER)
        return next(found, self.folder / f"flask-{FLASK_VERSION}.dist-info")

    @property
    def aside(self) -> Path:
        """The folder for what was there before us."""
        return self.folder / "_flask_before_kolben"

    @property
    def script(self) -> Path | None:
        """The command `flask`."""
        return None if self.scripts is None else self.scripts / "flask"


def place_of(target: str | None) -> Place:
    """Return the place that the command line means.

    Raises:
        UsageError: the packages of this Python are not ours to change, or there is no such folder.
    """
    if target is not None:
        if not Path(target).is_dir():
            raise UsageError(f"--target: expected a folder of packages, got {target!r}, which is none")
        return Place(Path(target).resolve(), None)
    managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    if sys.prefix == sys.base_prefix and managed.exists():
        raise UsageError(
            "this Python is the system's, and its packages are kept by the system's own tools (PEP 668)\n"
            "  Do: make an environment (python3 -m venv .venv), install Kolben there, and adopt there"
        )
    return Place(Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("scripts")))


def adopt(place: Place, *, replace: bool) -> str:
    """Put our `flask` into a place; return what was done, as a sentence.

    Raises:
        UsageError: a Flask is there that may not be replaced, or cannot be set aside.
    """
    if is_ours(place):
        return f"`import flask` means Kolben in {place.folder} already."
    there = present(place)
    if there and not replace:
        raise UsageError(
            f"a Flask is installed in {place.folder}: {', '.join(path.name for path in there)}\n"
            "  Do: `pip uninstall flask` and try again; or `kolben flask adopt --replace` sets it aside until `kolben flask release`"
        )
    with explained(place):
        set_aside(place, there)
        try:
            write(place)
        except BaseException:
            take_out(place, list(files_of(place)))
            put_back(place)
            raise
    kept = " The Flask that was there is set aside; `kolben flask release` puts it back." if there else ""
    return f"`import flask` means Kolben in {place.folder} from now on.{kept}"


def release(place: Place) -> str:
    """Take our `flask` out of a place; return what was done, as a sentence.

    Raises:
        UsageError: it is not there, or somebody has changed it since.
    """
    if not is_ours(place):
        raise UsageError(f"nothing to release: `kolben flask adopt` put no flask into {place.folder}")
    files = read_record(place)
    foreign = next(foreign_to(place, files), None)
    if foreign is not None:
        raise UsageError(
            f"{foreign} is not what `kolben flask adopt` put there: somebody has changed or added it\n"
            "  Do: look at it, move it elsewhere or delete it, and try again"
        )
    with explained(place):
        take_out(place, [path for path, _ in files])
        back = put_back(place)
    return f"Kolben's flask is taken out of {place.folder}.{' The Flask that was there before is back.' if back else ''}"


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn a refusal of the system into a sentence."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write in {place.folder}: {error.strerror or error}\n  Do: adopt in an environment of your own") from error


# -- What is there


def is_ours(place: Place) -> bool:
    """Tell whether `adopt` has been here."""
    return installer_of(place.info) == INSTALLER


def installer_of(info: Path) -> str:
    """Return who put a distribution there, by its metadata; "" if they do not tell."""
    try:
        return (info / "INSTALLER").read_text().strip()
    except OSError:
        return ""


def present(place: Place) -> list[Path]:
    """Return what a Flask that is installed there consists of: package, metadata, command."""
    if place.aside.exists():
        raise UsageError(f"{place.aside} is there, but no flask of Kolben's beside it\n  Do: put back by hand what it holds, and delete it")
    names = [path for path in place.folder.iterdir() if path.name.lower() in {"flask", "flask.py"} or is_metadata(path.name)]
    script = place.script
    return sorted(names) + ([script] if script is not None and script.exists() else [])


def is_metadata(name: str) -> bool:
    """Tell whether a file or folder describes a distribution that is called Flask."""
    return name.lower().startswith("flask-") and name.endswith((".dist-info", ".egg-info"))


# -- In


def files_of(place: Place) -> dict[Path, str]:
    """Return what we put in: path -> text."""
    files = {place.folder / "flask" / "__init__.py": PACKAGE}
    files |= {place.info / name: text for name, text in FILES.items()}
    files |= {place.info / "INSTALLER": f"{INSTALLER}\n", place.info / "RECORD": ""}
    if place.script is not None:
        files[place.script] = SCRIPT.format(python=sys.executable)
    return files


def write(place: Place) -> None:
    """Put everything in, the RECORD last."""
    rows = io.StringIO()
    record = place.info / "RECORD"
    for path, text in files_of(place).items():
        name = os.path.relpath(path, place.folder).replace(os.sep, "/")
        data = text.encode()
        csv.writer(rows, lineterminator="\n").writerow([name, "", ""] if path == record else [name, digest_of(data), len(data)])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    record.write_text(rows.getvalue())
    if place.script is not None:
        place.script.chmod(0o755)


def digest_of(data: bytes) -> str:
    """Return a hash as a RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def set_aside(place: Place, there: list[Path]) -> None:
    """Move what is there away, or nothing of it."""
    if not there:
        return
    place.aside.mkdir()
    try:
        for path in there:
            if path != place.script:
                path.rename(place.aside / path.name)
            else:
                shutil.move(path, place.aside / "flask-command")  # perhaps on another file system
    except BaseException:
        put_back(place)
        raise


# -- Out


def read_record(place: Place) -> list[tuple[Path, str]]:
    """Return what `adopt` put in, and how it looked."""
    rows = csv.reader((place.info / "RECORD").read_text().splitlines())
    return [(Path(os.path.normpath(place.folder / name)), digest) for name, digest, _ in rows]


def foreign_to(place: Place, files: list[tuple[Path, str]]) -> Iterator[Path]:
    """Find what somebody has changed or added since."""
    for path, digest in files:
        if path.exists() and digest and digest_of(path.read_bytes()) != digest:
            yield path
    ours = {path for path, _ in files}
    for folder in (place.folder / "flask", place.info):
        yield from (path for path in folder.iterdir() if path not in ours and path.name != "__pycache__")


def take_out(place: Place, paths: list[Path]) -> None:
    """Delete files, what Python compiled of them, and the folders that are empty then."""
    for path in paths:
        path.unlink(missing_ok=True)
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            if path.suffix == ".py":
                compiled.unlink()
    for folder in (place.folder / "flask" / "__pycache__", place.folder / "flask", place.info):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def put_back(place: Place) -> bool:
    """Move back what was set aside; tell whether there was anything."""
    if not place.aside.is_dir():
        return False
    for path in place.aside.iterdir():
        if path.name == "flask-command" and place.script is not None:
            shutil.move(path, place.script)
        else:
            path.rename(place.folder / path.name)
    place.aside.rmdir()
    return True

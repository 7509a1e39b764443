"""install(): `import flask` means Kolben from now on, in this process, whether or not Flask is installed.

A finder at the head of `sys.meta_path` answers for `flask` and its submodules with the modules of kolben.flask themselves, so that
`flask.app is kolben.flask.app`; and for importlib.metadata with a version, so that extensions that ask are content.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from kolben.base import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.abc import InspectLoader, Loader
    from importlib.metadata import Distribution, DistributionFinder
    from os import PathLike
    from types import CodeType

__all__ = ["FLASK_VERSION", "install"]

FLASK_VERSION = "3.1.3"  # the version whose API stands behind the doors
HOME = "kolben.flask"
METADATA = f"""Metadata-Version: 2.1
Name: Flask
Version: {FLASK_VERSION}
Summary: Flask's API, by Kolben.
Requires-Dist: kolben
"""
FILES = {
    "METADATA": METADATA,
    "top_level.txt": "flask\n",
    "entry_points.txt": "[console_scripts]\nflask = flask.cli:main\n",
}


@functools.cache
def _doors() -> Distribution:
    """Return what importlib.metadata is told about "flask"; who asks has imported that module, which is a slow one."""
    from importlib.metadata import Distribution

    class Doors(Distribution):
        def read_text(self, filename: str) -> str | None:
            return FILES.get(filename)

        def locate_file(self, path: str | PathLike[str]) -> Any:
            raise FileNotFoundError(f"{path}: the doors of Kolben are no files of Flask")

    return Doors()


class _Loader:  # an importlib.abc.InspectLoader by what it does: importing that module would double what the doors cost
    """Loads `flask.x` by loading `kolben.flask.x`: one module under two names."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._own: dict[str, Any] = {}

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.home)
        self._own = {"__spec__": module.__spec__, "__loader__": module.__loader__}
        return module

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._own)  # which the import system has just replaced by those of the other name

    def get_code(self, fullname: str) -> CodeType | None:  # for `python -m flask`
        loader = self._home_loader()
        return None if loader is None else loader.get_code(self.home)

    def get_source(self, fullname: str) -> str | None:
        loader = self._home_loader()
        return None if loader is None else loader.get_source(self.home)

    def _home_loader(self) -> InspectLoader | None:
        from importlib.abc import InspectLoader

        spec = importlib.util.find_spec(self.home)
        return spec.loader if spec is not None and isinstance(spec.loader, InspectLoader) else None

    def is_package(self, fullname: str) -> bool:
        spec = importlib.util.find_spec(self.home)
        return spec is not None and spec.submodule_search_locations is not None


class _Finder:
    """Finds the doors.  For importlib.metadata it is a DistributionFinder by what it does."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "flask" and not fullname.startswith("flask."):
            return None
        home = HOME + fullname.removeprefix("flask")
        found = importlib.util.find_spec(home)
        if found is None:
            return None
        spec = ModuleSpec(
            fullname, cast("Loader", _Loader(home)), origin=found.origin, is_package=found.submodule_search_locations is not None
        )
        if found.submodule_search_locations is not None:
            spec.submodule_search_locations = list(found.submodule_search_locations)
        return spec

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        name = getattr(context, "name", None)
        return [_doors()] if name is None or name.lower() == "flask" else []


_finder = _Finder()


def install() -> None:
    """Make `import flask` mean Kolben.  May be repeated.

    Raises:
        UsageError: Flask itself has been imported already; the message says by whom.
    """
    import kolben.flask as doors

    present = sys.modules.get("flask")
    if present is not None and present is not doors:
        raise UsageError(
            f"kolben.flask.install() must come before the first `import flask`, but Flask ({getattr(present, '__file__', '?')}) is"
            f" imported already{_importers()}. Import kolben and call kolben.flask.install() earlier, or start with `kolben run` or"
            " `python -m kolben`, which do."
        )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
        importlib.invalidate_caches()
    sys.modules["flask"] = doors
    for name in [name for name in sys.modules if name.startswith(f"{HOME}.")]:
        sys.modules.setdefault("flask" + name.removeprefix(HOME), sys.modules[name])


def _importers() -> str:
    """Say which module holds something of Flask's: the first such one is likely to have imported it."""
    name = next(_holders(), None)
    return "" if name is None else f", it seems by {name!r}"


def _holders() -> Iterator[str]:
    flask = sys.modules["flask"]
    import kolben.flask as doors

    theirs = {id(flask), *(id(getattr(flask, name)) for name in doors.__all__ if hasattr(flask, name))}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"flask", "kolben", "werkzeug"} or not isinstance(module, ModuleType):
            continue
        # By identity: to compare a proxy, or anything of somebody else's, may run code.
        if any(id(value) in theirs for key, value in list(vars(module).items()) if not key.startswith("__")):
            yield name

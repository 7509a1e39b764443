"""Where the files of an app are: its root folder, its package, its instance folder."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["find_package", "get_root_path"]


def get_root_path(import_name: str) -> str:
    """Return the folder of a module or package; the current one where there is no file (an interactive session)."""
    module = sys.modules.get(import_name)
    filename: str | None = getattr(module, "__file__", None)
    if filename is None:
        loader = getattr(_find_spec(import_name), "loader", None)
        if loader is None:
            return os.getcwd()
        if hasattr(loader, "get_filename"):
            filename = loader.get_filename(import_name)
        else:  # an import hook that has no idea of files; the module itself may have one
            __import__(import_name)
            filename = getattr(sys.modules[import_name], "__file__", None)
    if filename is None:
        raise RuntimeError(
            f"No root path can be found for the provided module {import_name!r}: it is a namespace package, or it came from an"
            " import hook that does not provide file names. Pass root_path explicitly."
        )
    return os.path.dirname(os.path.abspath(filename))


def _find_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # ValueError: __main__ has no spec
        return None


def _package_path(import_name: str) -> str:
    """Return the folder from which the top-level package of `import_name` is imported."""
    root = _find_spec(import_name.partition(".")[0])
    if root is None:
        return os.getcwd()
    if not root.submodule_search_locations:  # a single file
        return os.path.dirname(root.origin or "")
    if root.origin not in {None, "namespace"}:
        return os.path.dirname(os.path.dirname(root.origin or ""))
    locations = list(root.submodule_search_locations)  # a namespace package may lie in several folders
    package = _find_spec(import_name)
    if package is None or not package.submodule_search_locations:
        return os.path.dirname(locations[0])
    home = Path(os.path.commonpath(list(package.submodule_search_locations)))
    return os.path.dirname(next(location for location in locations if home.is_relative_to(location)))


def find_package(import_name: str) -> tuple[str | None, str]:
    """Return the prefix that a package is installed under, None if it is not, and the folder it is imported from."""
    package_path = _package_path(import_name)
    prefix = os.path.abspath(sys.prefix)
    if PurePath(package_path).is_relative_to(prefix):
        return prefix, package_path
    parent, folder = os.path.split(package_path)
    if folder.lower() != "site-packages":
        return None, package_path
    above, name = os.path.split(parent)
    if name.lower() == "lib":  # prefix/lib/site-packages, as on Windows
        return above, package_path
    if os.path.basename(above).lower() == "lib":  # prefix/lib/pythonX.Y/site-packages
        return os.path.dirname(above), package_path
    return parent, package_path  # something else that calls itself site-packages

"""Which files a program is made of, and whether one of them has changed.

Looked at are the modules that are loaded, but for installed ones, the Python files below the working directory, `.env` and `.flaskenv`.
What has changed is always found by comparing times of modification.  watchfiles, where it is installed, only tells when to look.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from fnmatch import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Watcher", "files_below", "files_of_modules"]

MOST = 5_000  # files below the working directory: it may be somebody's home
INSTALLED = {"site-packages", "dist-packages"}
LEFT_OUT = {"__pycache__", "node_modules", "build", "dist", *INSTALLED}
SETTINGS = (".env", ".flaskenv")


class Watcher:
    """Remembers when each file was modified.

    Args:
        extra_files: Watched beside the program's own.
        exclude_patterns: Files whose change means nothing.
        interval: Seconds between two looks.
        root: Stands in for the working directory.
    """

    def __init__(
        self, extra_files: Iterable[str] = (), exclude_patterns: Iterable[str] = (), *, interval: float = 1.0, root: str | None = None
    ) -> None:
        self._extra = [os.path.abspath(file) for file in extra_files]
        self._excluded = tuple(exclude_patterns)
        self._interval = interval
        self._root = root or os.getcwd()
        self._known = self._times()
        self._wait: Callable[[float], object] = threading.Event().wait

    def changed(self) -> str | None:
        """Return a file that was modified, or came to be below the root, since the last call; None: there is none."""
        times = self._times()
        known, self._known = self._known, {**self._known, **times}
        for path, time in times.items():
            if (path in known and known[path] != time) or (path not in known and path.startswith(self._root + os.sep)):
                return path
        return None

    def wait(self) -> str:
        """Return the next file that changes."""
        ticks = self._ticks()
        while True:
            next(ticks)
            path = self.changed()
            if path is not None:
                return path

    def _ticks(self) -> Iterator[object]:
        """Yield when it is time to look."""
        try:
            from watchfiles import watch
        except ImportError:
            while True:
                yield self._wait(self._interval)
        while True:  # anew when there are other folders to watch; or none can be, as where the kernel has no watches left
            folders = self._folders()
            try:
                for _ in watch(*folders, watch_filter=None, recursive=False, yield_on_timeout=True, debounce=200, raise_interrupt=False):
                    yield None
                    if self._folders() != folders:
                        break
            except (OSError, RuntimeError):
                yield self._wait(self._interval)

    def _folders(self) -> list[str]:
        return sorted({folder for folder in map(os.path.dirname, self._known) if os.path.isdir(folder)})

    def _times(self) -> dict[str, int]:
        times = {}
        for path in {*files_of_modules(), *files_below(self._root), *self._extra}:
            if not any(fnmatch(path, pattern) for pattern in self._excluded):
                try:
                    times[path] = os.stat(path).st_mtime_ns
                except OSError:  # it went while we looked
                    continue
        return times


def files_of_modules() -> Iterator[str]:
    """Yield the source files of the modules that are loaded, but for the standard library and what is installed."""
    libraries = tuple({os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    for module in tuple(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and not path.startswith(libraries) and INSTALLED.isdisjoint(path.split(os.sep)):
            yield os.path.abspath(path)


def files_below(root: str) -> Iterator[str]:
    """Yield the Python files and settings in a folder and those below it; not in hidden, installed or generated ones."""
    left = MOST
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in LEFT_OUT and not is_environment(folder, name)]
        for name in files:
            if name in SETTINGS or (name.endswith(".py") and not name.startswith(".")):
                left -= 1
                if left < 0:
                    return
                yield os.path.join(folder, name)


def is_environment(folder: str, name: str) -> bool:
    """Tell whether a folder is a virtual environment."""
    return os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))

"""Names of Unix sockets in the file system: given, with permissions from the first moment, and taken back.

A file that nobody answers on any more is replaced; one on which somebody does, or which is no socket, is refused.
"""

import errno
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from grp import getgrnam
from pathlib import Path
from pwd import getpwnam
from typing import Self

from kolben.base.errors import UsageError
from kolben.net.address import UnixAddress, UnixDatagramAddress

__all__ = ["SocketFile", "bind_unix", "give_to"]


@dataclass(frozen=True, slots=True)
class SocketFile:
    """The file of a Unix socket, as it was when this process made it."""

    path: str
    identity: tuple[int, int]
    process: int

    @classmethod
    def at(cls, path: str) -> Self:
        """Remember what stands there now."""
        return cls(path, _identity(path), os.getpid())

    def remove(self) -> None:
        """Remove it, if it is still that file and this still that process."""
        if self.process == os.getpid():
            with suppress(OSError):
                if _identity(self.path) == self.identity:
                    Path(self.path).unlink()


def bind_unix(sock: socket.socket, address: UnixAddress | UnixDatagramAddress, mode: int | None) -> None:
    """Give a socket its name; of a file, its permissions too.

    Raises:
        OSError: it cannot be done; EEXIST if something that is no socket stands there.
    """
    name = "\0" + address.path[1:] if address.is_abstract else address.path
    with _umask(mode):
        try:
            sock.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or address.is_abstract or not _is_stale(name, sock.type):
                raise
            Path(name).unlink()
            sock.bind(name)


def give_to(address: UnixAddress) -> None:
    """Make the file belong to whom the address says."""
    user, _, group = address.owner.partition(":")
    try:
        os.chown(address.path, _id_of(user, lambda name: getpwnam(name).pw_uid), _id_of(group, lambda name: getgrnam(name).gr_gid))
    except (KeyError, OSError) as error:
        Path(address.path).unlink()
        reason = error.strerror if isinstance(error, OSError) else error.args[0]
        msg = (
            f"cannot listen on {address}: its file cannot be given to {address.owner!r} ({reason})."
            " Name a user or group of yours, or start as root."
        )
        raise UsageError(msg) from error


def _id_of(text: str, look_up: Callable[[str], int]) -> int:
    """The number of a user or a group; -1 for what is to stay as it is."""
    if not text:
        return -1
    return int(text) if text.isdigit() else look_up(text)


def _is_stale(path: str, kind: int) -> bool:
    """Whether it is a socket's file that nobody answers on: its process ended without removing it."""
    if not stat.S_ISSOCK(Path(path).lstat().st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.setblocking(False)  # a full queue is somebody who listens, not a reason to wait
        return probe.connect_ex(path) == errno.ECONNREFUSED


@contextmanager
def _umask(mode: int | None) -> Iterator[None]:
    """Let files be made with `mode`: from the first moment, unlike a chmod after bind."""
    if mode is None:
        yield
        return
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def _identity(path: str) -> tuple[int, int]:
    status = Path(path).lstat()
    return status.st_dev, status.st_ino

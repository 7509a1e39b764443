"""Sockets that a supervisor holds for its workers' services.

Which ones there are to be only a loaded app knows, and the supervisor loads none: a worker asks, and is given duplicates.  They outlive
the worker, so that between two generations nobody is refused.  An address that the new generation no longer asks for is given up
when it serves; one that only a refused generation asked for, at once.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from kolben.net.service import open_sockets

if TYPE_CHECKING:
    from kolben.net.service import Socket

__all__ = ["Holdings"]

log = logging.getLogger("kolben.server")


class Holdings:
    """Sockets by their spec, and the generations that asked for them."""

    def __init__(self) -> None:
        self._sockets: dict[str, list[Socket]] = {}
        self._wanted: dict[str, set[int]] = {}

    def sockets(self, spec: str, generation: int, name: str) -> list[Socket]:
        """Return what listens there, opened now if nothing does.

        Raises:
            UsageError: it cannot be opened.
        """
        if spec not in self._sockets:
            self._sockets[spec] = open_sockets(spec)
            log.info("%s on %s (pid %d)", name, spec, os.getpid())
        self._wanted.setdefault(spec, set()).add(generation)
        return self._sockets[spec]

    def keep(self, generation: int) -> None:
        """Give up what this generation did not ask for."""
        for spec, wanted in list(self._wanted.items()):
            wanted &= {generation}
            if not wanted:
                self._give_up(spec)

    def forget(self, generation: int) -> None:
        """Give up what only this generation asked for."""
        for spec, wanted in list(self._wanted.items()):
            wanted.discard(generation)
            if not wanted:
                self._give_up(spec)

    def close(self) -> None:
        """Give up everything.  More than once is fine."""
        for spec in list(self._sockets):
            self._give_up(spec)

    def _give_up(self, spec: str) -> None:
        del self._wanted[spec]
        for each in self._sockets.pop(spec):
            each.close()

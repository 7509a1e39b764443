"""What a service manager gives and wants to know: sockets it opened, and whether we are ready (systemd's sd_listen_fds, sd_notify)."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["Notifier", "take_activated"]

FIRST = 3  # SD_LISTEN_FDS_START
DIGITS = 6  # more of them is no count of descriptors


def take_activated(environment: MutableMapping[str, str]) -> list[str]:
    """Return bind specs for the sockets that this process was started with, and leave no trace for its children."""
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not (count.isascii() and count.isdigit() and len(count) < DIGITS):
        return []
    return [f"fd://{fd}" for fd in range(FIRST, FIRST + int(count))]


class Notifier:
    """Tells the service manager how things stand; says nothing where nobody asked (no NOTIFY_SOCKET)."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Take the address of who wants to know out of the environment: children are not to answer for us."""
        self._address = environment.pop("NOTIFY_SOCKET", "")
        watchdog = environment.pop("WATCHDOG_USEC", "")
        environment.pop("WATCHDOG_PID", None)
        self.watchdog = int(watchdog) / 2e6 if watchdog.isascii() and watchdog.isdigit() else 0.0  # seconds between two signs of life

    def ready(self, status: str) -> None:
        """We serve: at the start, and after each reload."""
        self._send(f"READY=1\nSTATUS={status}\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it, whatever came of it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """We finish what runs."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The sign of life that `watchdog` asks for."""
        if self.watchdog:
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:  # an unreachable manager stops nothing
            sock.setblocking(False)
            sock.sendto(text.replace("\n\n", "\n").encode(), address)

"""Receives datagrams and answers each with a function."""

from collections.abc import Callable
from contextvars import Context
from typing import final

from kolben.net._datagram import Datagram, DatagramSocket
from kolben.services.datagrams import DatagramService

@final
class Counters:
    """Live numbers of one service in this process.

    Attributes:
        accepted: Connections that were ever opened, or datagrams that ever came.
        active: Connections that are open, or datagrams that are being answered.
        refused: Those that met a limit.
        failed: Those whose function raised what was not the peer's fault.
    """

    accepted: int
    active: int
    refused: int
    failed: int

    def change(self, by: int) -> int:
        """Add to `active`, in any thread."""

@final
class Receiver:
    """Datagrams of one socket, for one task or one thread."""

    def __init__(self, service: DatagramService, sock: DatagramSocket, context: Context | None, counters: Counters, most: int) -> None: ...
    async def run(self) -> None:
        """Receive and answer with an async function, until a datagram keeps the task; in its own task and Context."""

    async def gather(self, put: Callable[[list[Datagram]], object]) -> None:
        """Receive, and put what came at once into the hands of who calls `answer`."""

    def answer(self, came: list[Datagram], call: Callable[[Datagram], bytes | None]) -> None:
        """Answer what came with a plain function, in order; in its thread."""

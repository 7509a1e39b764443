"""One poller nested in an asyncio loop, for all sockets that tasks of this loop wait on."""

from asyncio import AbstractEventLoop

from typing_extensions import disjoint_base

@disjoint_base
class Hub:
    """Owns the poller and the timers of one loop."""

    def __init__(self, loop: AbstractEventLoop) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    @property
    def closed(self) -> bool: ...
    def turn(self) -> None: ...
    def asked_turn(self) -> None: ...
    def close(self) -> None: ...

@disjoint_base
class Watched:
    """What a hub knows of a socket."""

    @property
    def fd(self) -> int: ...

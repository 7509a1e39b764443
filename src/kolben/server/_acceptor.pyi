"""A listening socket's life: accept in bounded batches, rest when descriptors run out."""

from typing_extensions import disjoint_base

from kolben.net import Listener
from kolben.server._engine import Engine
from kolben.server._watched import Watched
from kolben.server.scores import Scores

@disjoint_base
class Acceptor(Watched):
    """Accepts connections from one listener.  Borrows its descriptor: stop() before the listener is closed."""

    scores: Scores | None  # shared with other workers; None: nobody else accepts from this listener

    def __init__(self, engine: Engine, listener: Listener, *, scheme: str, server: tuple[str, int | None]) -> None: ...
    def start(self) -> None:
        """Begin to accept."""

    def leave(self) -> None:
        """Accept no more: who waits is left to others that share the listener."""

    def stop(self) -> None:
        """Accept what has connected already, and then no more."""

def adopt(engine: Engine, fd: int, *, scheme: str, server: tuple[str, int | None], remote: tuple[str, int] | None) -> None:
    """Serve a connection that is open already, such as one end of a socket pair.  Takes the descriptor; it must not block."""

"""One connection's life: open · match · run · send · continue."""

from typing_extensions import disjoint_base

from kolben.server._engine import Engine
from kolben.server._running import Runner

@disjoint_base
class Connection(Runner):
    """One peer.  Owns its descriptor.  In the loop's thread only, but for `run_in_thread` and `post`."""

    def __init__(self, engine: Engine) -> None: ...
    def stop(self) -> None:
        """The server stops: close if idle, else let the present answer be the last."""

    def cut(self) -> None:
        """The time for stopping is over."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs for it, nothing waits to be sent, and nothing sent can be lost by closing."""

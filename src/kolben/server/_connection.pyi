"""One connection's life: open · match · run · send · continue."""

from collections.abc import Callable
from typing import Any

from kolben.http import Response
from kolben.server._engine import Engine
from kolben.server._reactor import Watched

class Connection(Watched):
    """One peer.  Owns its descriptor.  In the loop's thread only, but for `run_in_thread` and `post`."""

    def __init__(self, engine: Engine) -> None: ...
    def run_in_thread(self) -> None:
        """In a thread of the pool: run the plan, and iterate over its body if that is lazy."""

    def stream_write(self, data: bytes) -> bool:
        """Send a piece of a lazy body; False if no more is wanted."""

    def stream_end(self) -> None:
        """The lazy body is complete."""

    def stream_fail(self) -> None:
        """The lazy body broke off: the answer must not look whole."""

    def post(self, function: Callable[[Any], object], argument: object) -> bool:
        """As the reactor's."""

    def forget_response(self, response: Response, context: Any) -> None:
        """Close a response whose last byte is out, or which nobody waits for: `call_on_close` runs."""

    def stop(self) -> None:
        """The server stops: close if idle, else let the present answer be the last."""

    def cut(self) -> None:
        """The time for stopping is over."""

    @property
    def is_open(self) -> bool:
        """Whether the peer can still be sent something."""

    @property
    def wants_more(self) -> bool:
        """Whether less waits to be sent than `limits.output`."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs for it, nothing waits to be sent, and nothing sent can be lost by closing."""

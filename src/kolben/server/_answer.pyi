"""One answer on its way: whole, lazy, or a refusal; and what is let go of when it is out."""

from collections.abc import AsyncIterable, Callable
from contextvars import Context
from typing import Any

from typing_extensions import disjoint_base

from kolben.server._incoming import Receiver
from kolben.server.streams import AsyncBody

@disjoint_base
class Answerer(Receiver):
    """The side of a connection that answers."""

    def needs_thread(self, iterable: object) -> bool:
        """Whether a lazy body has to be iterated over in a thread and does not wait in one already."""

    def start_async_body(self, started: tuple[AsyncBody, AsyncIterable[Any], Context, str]) -> None:
        """In the loop's thread."""

    def on_body_done(self, _: object) -> None:
        """In the loop, not in a turn."""

    def stream_write(self, data: bytes) -> bool:
        """Send a piece of a lazy body; False if no more is wanted."""

    def stream_end(self) -> None:
        """The lazy body is complete."""

    def stream_fail(self) -> None:
        """The lazy body broke off: the answer must not look whole."""

    def post(self, function: Callable[[Any], object], argument: object) -> bool:
        """As the reactor's."""

    def call_in_loop(self, function: Callable[[Any], object], argument: object) -> None:
        """As the reactor's."""

    @property
    def is_open(self) -> bool:
        """Whether the peer can still be sent something."""

    @property
    def wants_more(self) -> bool:
        """Whether less waits to be sent than `limits.output`."""

    def forget_response(self, response: Any, context: Context) -> None:
        """Close a response whose last byte is out, or which nobody waits for: `call_on_close` runs."""

    def hand_over_spool(self, response: Any) -> None:
        """Let the body's file live as long as the response, whose lazy body may read it."""

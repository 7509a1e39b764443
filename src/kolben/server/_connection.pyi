"""One connection's life: open · match · run · send · continue."""

from asyncio import Task
from collections.abc import AsyncIterable, Callable
from contextvars import Context
from typing import Any

from typing_extensions import disjoint_base

from kolben.http import Response
from kolben.http._request import ConnectionInfo
from kolben.http._response import PlainResponse
from kolben.http.incoming import IncomingBody
from kolben.server._engine import Engine
from kolben.server._reactor import Watched
from kolben.server.streams import AsyncBody, ThreadBody

@disjoint_base
class ConnectionFacts(ConnectionInfo):
    """Both ends' addresses; outlives the connection where a request is kept."""

@disjoint_base
class Connection(Watched):
    """One peer.  Owns its descriptor.  In the loop's thread only, but for `run_in_thread` and `post`."""

    def __init__(self, engine: Engine) -> None: ...
    @property
    def pending_size(self) -> int:
        """Bytes that wait to be sent."""
    def spill(self) -> None:
        """Write what there is of the body to a temporary file, off the loop; reading rests meanwhile."""

    def on_spilled(self, error: Exception | None) -> None:
        """In a turn: a batch is written, or could not be."""

    def on_spooled(self, error: Exception | None) -> None:
        """In a turn: the whole body is in its file."""

    def hand_over_spool(self, response: Any) -> None:
        """Let the body's file live as long as the response, whose lazy body may read it."""

    def refuse_for_quota(self, size: int) -> None:
        """A body of `size` bytes or more does not fit into `limits.spool`: not now, or never."""

    def on_body_wanted_elsewhere(self, incoming: IncomingBody) -> None:
        """In whatever thread reads: reading begins, or there is room again."""

    def on_body_wanted(self, incoming: IncomingBody) -> None:
        """In a turn: the same."""

    def refuse_for_room(self, error: Exception) -> None:
        """The body could not be written to its temporary file."""
    def run_in_thread(self) -> None:
        """In a thread of the pool: run the plan, and iterate over its body if that is lazy."""

    def on_lost(self, _: None) -> None:
        """In a turn: a thread could not do its work for this connection."""

    def run_and_post(self) -> None: ...
    def iterate_in_thread(self, response: Any, context: Context, has_left_pool: bool) -> None:
        """In the thread that made it: iterate over a lazy body, when the loop's thread has sent the head."""

    def on_response(self, response: Any) -> None:
        """In a turn: a thread has made a whole response."""

    def on_lazy(self, body: ThreadBody) -> None:
        """In a turn: a thread has made a response and waits to be told to iterate over its body."""

    def on_task_done(self, task: Task[Any]) -> None:
        """In the loop, not in a turn."""

    def run_late_task(self, _: None) -> None:
        """In a turn: the loop's thread has the lease again."""

    def start_async_body(self, started: tuple[AsyncBody, AsyncIterable[Any], Context, str]) -> None:
        """In the loop's thread."""

    def on_body_done(self, _: object) -> None:
        """In the loop, not in a turn."""

    def result_of(self, task: Task[Any]) -> Any:
        """What a finished task returned; 500 for what it raised."""

    def failed(self) -> PlainResponse:
        """While an exception is handled: log it; what is answered instead."""

    def note(self, status: int) -> None:
        """Give one answer to the access log; an error of the log's is not the request's."""
    def needs_thread(self, iterable: object) -> bool:
        """Whether a lazy body has to be iterated over in a thread and does not wait in one already."""

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

    def forget_response(self, response: Any, context: Context) -> None:
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

def busy() -> Response:
    """Too much runs already (RFC 9110, section 15.6.4)."""

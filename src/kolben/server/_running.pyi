"""Where the plan of a request runs (D3): inline, in a thread of the pool, or as a task of the loop."""

from asyncio import Task
from contextvars import Context
from typing import Any

from typing_extensions import disjoint_base

from kolben.http._response import PlainResponse
from kolben.server._waiting import Waiting
from kolben.server.streams import ThreadBody

@disjoint_base
class Runner(Waiting):
    """The side of a connection that runs plans."""

    def failed(self) -> PlainResponse:
        """While an exception is handled: log it; what is answered instead."""

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

    def run_late_task(self, _: None) -> None:
        """In a turn: the loop's thread has the lease again."""

    def on_task_done(self, task: Task[Any]) -> None:
        """In the loop, not in a turn."""

    def answer_early(self, response: Any) -> None:
        """In a task: its answer; the task goes on, and the connection waits for it no more."""

    def stream_early(self, body: Any, response: Any) -> None:
        """In a task: the head of its answer, whose body it goes on to write.

        `body` is told when it may, by `start`; `resume` and `cancel` as for other bodies.
        """

    def on_early_response(self, response: Any) -> None:
        """In a turn: the same."""

    def on_early_stream(self, early: tuple[Any, Any]) -> None:
        """In a turn: the same."""

    def result_of(self, task: Task[Any]) -> Any:
        """What a finished task returned; 500 for what it raised."""

from collections.abc import Callable
from typing import Any, Final

from typing_extensions import disjoint_base

from kolben.http.plan import Lifespan, Route
from kolben.http.request import Request

QUICK: Final = 300
SLOW: Final = 5000
NEEDED: Final = 50
MOST_NEEDED: Final = 3200
DISTURBED: Final = 5

@disjoint_base
class Record:
    """What is known of one route's calls: how many, and whether it has earned to run inline (D3).

    Attributes:
        calls: All of them.
        row: Quick ones of late, while it runs in the pool.
        needed: So long a row earns running inline.
        earned: How often it did.
        lost: How often it lost that again.
        rescued: Inline calls that did not end, so that the watchdog served the others.
        total: Microseconds that calls took, but those of tasks and of rescued calls.
        longest: Microseconds of the longest of these calls.
        is_inline: Earned and not lost.
        is_lazy: It has returned a lazy body, which keeps its view's thread: it earns nothing any more.
    """

    calls: int
    row: int
    needed: int
    earned: int
    lost: int
    rescued: int
    total: int
    longest: int
    is_inline: bool
    is_lazy: bool

@disjoint_base
class Plan:
    """All that happens to one request of one endpoint, from its first hook to its last teardown."""

    mode: int
    pinned: bool
    needs_body: bool
    streams_body: bool
    ignores_disconnect: bool
    timeout: float
    answers_early: bool
    name: str
    record: Record

    def run(self, request: Request) -> Any:
        """Answer on the calling thread: a Response or a PlainResponse.

        Answers every error that is the application's.  What it does raise, the server logs and answers with 500.
        """

    def run_async(self, request: Request) -> Any:
        """Answer as a coroutine; called only where `mode` is TASK.

        Where `answers_early`, what this returns has an attribute `connection`, which the server sets: its `answer_early` and
        `stream_early` may be called before the task ends, which then returns ANSWERED; its `cancel` tells that the client has left.
        """

    def go_on_with(self, record: Record) -> None:
        """Stand where an earlier plan of the same steps stood."""

    def note_inline(self, lasted: int) -> bool:
        """An inline call took so many microseconds; return whether it lost by that."""

    def note_in_thread(self, lasted: int, disturbed: bool) -> bool:
        """A call in the pool took so many microseconds, perhaps beside other threads; return whether it has earned by that."""

    def note_rescue(self) -> bool:
        """An inline call did not end; return whether it lost by that."""

    def note_lazy(self) -> bool:
        """It has returned a lazy body; return whether it lost by that."""

@disjoint_base
class Handler:
    """What the server, WSGI, ASGI and the test client all ask."""

    request_class: type[Request]
    lifespan: Lifespan | None
    routes: Callable[[], list[Route]] | None  # what is known of each rule; None: it has no rules

    def match(self, request: Request) -> Plan:
        """Find the plan.  Never raises: 404, 405 and redirects are plans too, since hooks run on them."""

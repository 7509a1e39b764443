"""The two protocols that tie the server to an app it does not know (the lower room owns them)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from werkzeug.wrappers import Request, Response

__all__ = ["Handler", "Mode", "Plan"]


class Mode(enum.IntEnum):
    """Where a plan runs."""

    INLINE = 0  # on the thread that reads the socket, at once
    THREAD = 1  # in the pool
    TASK = 2  # as a task of the event loop


class Plan(Protocol):
    """All that happens to one request of one endpoint, from its first hook to its last teardown."""

    mode: int
    name: str  # for logs: "show_user" or "404"

    def run(self, request: Request) -> Response:
        """Answer on the calling thread.  Returns a response for every error that is the application's.

        What it does raise, the server logs and answers with 500.
        """

    def run_async(self, request: Request) -> Awaitable[Response]:
        """Answer as a coroutine; only where `mode` is TASK."""


class Handler(Protocol):
    """What the server, WSGI, ASGI and the test client all ask."""

    request_class: type[Request]

    def match(self, request: Request) -> Plan:
        """Find the plan.  Never raises: 404, 405 and redirects are plans too, since hooks run on them."""

from typing import Any

from typing_extensions import disjoint_base

from kolben.http.request import Request

@disjoint_base
class Plan:
    """All that happens to one request of one endpoint, from its first hook to its last teardown."""

    mode: int
    needs_body: bool
    streams_body: bool
    name: str

    def run(self, request: Request) -> Any:
        """Answer on the calling thread: a Response or a PlainResponse.

        Answers every error that is the application's.  What it does raise, the server logs and answers with 500.
        """

    def run_async(self, request: Request) -> Any:
        """Answer as a coroutine; called only where `mode` is TASK."""

@disjoint_base
class Handler:
    """What the server, WSGI, ASGI and the test client all ask."""

    request_class: type[Request]

    def match(self, request: Request) -> Plan:
        """Find the plan.  Never raises: 404, 405 and redirects are plans too, since hooks run on them."""

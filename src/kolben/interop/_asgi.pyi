from typing import Any

from typing_extensions import disjoint_base

from kolben.http import Handler, Plan
from kolben.http.request import Request
from kolben.interop._exchange import Exchange
from kolben.interop.asgi import ASGIApplication, HostedLifespan

@disjoint_base
class ASGIHandler(Handler):
    """One plan for every request, but for those whose body is not waited for."""

    def __init__(self, application: ASGIApplication, lifespan: HostedLifespan | None = None) -> None: ...

@disjoint_base
class ASGIPlan(Plan):
    """Calls an ASGI application with the scope of a request."""

    application: ASGIApplication
    root_path: str

    def __init__(
        self, application: ASGIApplication, *, root_path: str = "", streams: bool = False, lifespan: HostedLifespan | None = None
    ) -> None: ...
    @property
    def state(self) -> dict[str, Any] | None:
        """What the application's startup left for its requests; None: nothing."""

    def exchange(self, request: Request) -> Exchange:
        """Begin a call; its result is the response."""

    async def run_whole(self, request: Request) -> Any:
        """Wait for the answer."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

from _typeshed.wsgi import WSGIApplication
from typing_extensions import disjoint_base

from kolben.http import Handler, Plan
from kolben.http.plan import Route

def list_hosted(plan: Plan, prefix: str = "") -> list[Route]:
    """What is known of an application, as the one route of whatever is under its path."""

@disjoint_base
class WSGIHandler(Handler):
    """One plan for every request: a WSGI application finds its way itself."""

    def __init__(self, application: WSGIApplication) -> None: ...

@disjoint_base
class WSGIPlan(Plan):
    """Calls a WSGI application with the environ of a request."""

    def __init__(self, application: WSGIApplication) -> None: ...

@final
class StartResponse:
    """The `start_response` of one request."""

    def __call__(self, status: str, headers: Iterable[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]: ...
    def write(self, data: bytes) -> None: ...
    def all_of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Everything in its order: `write` may be called as long as the application iterates."""

from typing import Any, TypeVar

from kolben.http.request import Request

_R = TypeVar("_R", bound=Request)

def make_environ(request: Request) -> dict[str, Any]:
    """Build the environ of a request that came through our own server (PEP 3333)."""

def request_of(cls: type[_R], environ: Any) -> _R:
    """Make a request of an environ as Werkzeug's constructor does, without calling it."""

def fields_environ(headers: Any) -> dict[str, Any]:
    """Make the HTTP_ variables of a request's `headers`, and nothing else."""

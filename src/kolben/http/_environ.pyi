from typing import Any, TypeVar

from typing_extensions import disjoint_base

from kolben.http.request import Request

_R = TypeVar("_R", bound=Request)

def make_environ(request: Request) -> dict[str, Any]:
    """Build the environ of a request that came through our own server (PEP 3333)."""

def request_of(cls: type[_R], environ: Any) -> _R:
    """Make a request of an environ as Werkzeug's constructor does, without calling it."""

def fields_environ(fields: Any) -> dict[str, Any]:
    """Make the HTTP_ variables of a request's `headers`, and nothing else."""

@disjoint_base
class VariablesBase:
    """The native half of `headers` that read an environ."""

    environ: dict[str, Any]
    def __init__(self, environ: dict[str, Any]) -> None: ...
    def __getitem__(self, key: str, /) -> str: ...
    def __contains__(self, key: object, /) -> bool: ...
    def get(self, key: str, default: Any = None, type: Any = None) -> Any: ...

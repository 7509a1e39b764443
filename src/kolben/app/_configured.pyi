from typing import Any, overload

from typing_extensions import disjoint_base

from kolben.app.wrappers import Request
from kolben.http._request import Setting

@disjoint_base
class Configured(Setting):
    """A limit: what was set on this request, else what the app's configuration says, else a default."""

    def __init__(self, name: str, default: int | None) -> None: ...
    @overload
    def __get__(self, request: None, owner: type | None = None, /) -> Configured: ...
    @overload
    def __get__(self, request: Request, owner: type | None = None, /) -> int | None: ...
    def __set__(self, request: Request, value: int | None, /) -> None: ...

@disjoint_base
class JSONModule(Setting):
    """What reads JSON: the current app's provider, unless another was set on the request; outside of apps the `json` module."""

    @overload
    def __get__(self, request: None, owner: type | None = None, /) -> JSONModule: ...
    @overload
    def __get__(self, request: Request, owner: type | None = None, /) -> Any: ...
    def __set__(self, request: Request, value: Any, /) -> None: ...

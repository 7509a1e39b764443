from collections.abc import Iterable
from typing import Any, Self

from typing_extensions import disjoint_base
from werkzeug.wrappers import Response

from kolben.http._request import RequestBase
from kolben.http._response import PlainResponse, WholeResponse

@disjoint_base
class Outgoing:
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...

def nothing() -> None: ...
def serialize(
    response: Response | PlainResponse | WholeResponse, request: RequestBase | None = None, keep_alive: bool = True
) -> tuple[bytes, bytes | Iterable[Any]]: ...

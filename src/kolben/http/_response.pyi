from collections.abc import Iterable
from typing import Any, TypeVar

from typing_extensions import disjoint_base
from werkzeug.wrappers import Response

from kolben.http.request import Request

_R = TypeVar("_R", bound=Response)

@disjoint_base
class PlainResponse:
    """A status, a content type and a body: what most views return, when nobody asked to see it as a Response."""

    @property
    def status(self) -> int: ...
    @property
    def status_code(self) -> int: ...
    @property
    def content_type(self) -> bytes: ...
    @property
    def body(self) -> bytes | str: ...

@disjoint_base
class Outgoing:
    """One answer, taken apart.  The server owns one and uses it again for every answer."""

def plain_response(status: int, content_type: bytes, body: bytes | str) -> PlainResponse: ...
def new_response(cls: type[_R], body: bytes | str, status: int, content_type: str) -> _R: ...
def is_lazy(response: Any) -> bool: ...
def nothing() -> None: ...
def serialize(response: Any, request: Request | None = None, keep_alive: bool = True) -> tuple[bytes, bytes | Iterable[bytes | str]]: ...

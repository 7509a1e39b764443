from typing import IO, Any, Self

from typing_extensions import disjoint_base
from werkzeug.datastructures import MultiDict

from kolben.http._message import Message

@disjoint_base
class Setting:
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

@disjoint_base
class RequestBase(Message):
    args: MultiDict[str, str]
    shallow: bool
    has_uploads: bool
    url_rule: Any
    view_args: Any
    routing_exception: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    @classmethod
    def from_bytes(
        cls,
        head: bytes,
        body: bytes | IO[bytes] = b"",
        *,
        remote: tuple[str, int] | None = ("127.0.0.1", 0),
        server: tuple[str, int | None] = ("127.0.0.1", 80),
        scheme: str = "http",
    ) -> Self: ...
    def __copy__(self) -> Self: ...
    @property
    def content_length(self) -> int | None: ...
    @content_length.setter
    def content_length(self, value: int | None) -> None: ...
    @content_length.deleter
    def content_length(self) -> None: ...
    @property
    def want_form_data_parsed(self) -> bool: ...
    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any: ...
    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any: ...
    def _open_body(self) -> IO[bytes] | None: ...

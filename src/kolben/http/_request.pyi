from typing import IO, Any, Self

from typing_extensions import disjoint_base
from werkzeug.datastructures import Headers, MultiDict

@disjoint_base
class ConnectionInfo:
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    @property
    def scheme(self) -> str: ...
    @property
    def server(self) -> tuple[str, int | None]: ...
    @property
    def remote(self) -> tuple[str, int] | None: ...

@disjoint_base
class Setting:
    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

@disjoint_base
class RequestBase:
    method: str
    path: str
    query_string: bytes
    headers: Headers
    args: MultiDict[str, str]
    scheme: str
    server: tuple[str, int | None] | None
    root_path: str
    remote_addr: str | None
    environ: dict[str, Any]
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
    def is_disconnected(self) -> bool:
        """Whether the client has left and waits for no answer.  Only Kolben's own server tells; elsewhere it is always False."""

    @property
    def request_line(self) -> str: ...
    @property
    def is_native(self) -> bool: ...
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
    def _come_from(self, host: str | None, scheme: str | None) -> None: ...

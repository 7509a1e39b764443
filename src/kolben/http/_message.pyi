from typing import Any, Self

from typing_extensions import disjoint_base
from werkzeug.datastructures import Headers

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
class Message:
    method: str
    path: str
    query_string: bytes
    headers: Headers
    scheme: str
    server: tuple[str, int | None] | None
    root_path: str
    remote_addr: str | None
    environ: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    @property
    def is_disconnected(self) -> bool:
        """Whether the client has left and waits for no answer.  Only Kolben's own server tells; elsewhere it is always False."""

    @property
    def request_line(self) -> str: ...
    @property
    def is_native(self) -> bool: ...
    def _come_from(self, host: str | None, scheme: str | None) -> None: ...

from collections.abc import Mapping
from typing import Any, Literal, overload

from typing_extensions import disjoint_base
from werkzeug.routing import MapAdapter, Rule

from kolben.routing.map import Map

@disjoint_base
class NativeAdapter:
    map: Map
    server_name: str
    script_name: str
    subdomain: str | None
    url_scheme: str
    path_info: str
    default_method: str
    query_args: Mapping[str, Any] | str | None
    websocket: bool
    def adopt(self, other: MapAdapter) -> None: ...
    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[False] = False,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Any, Mapping[str, Any]]: ...
    @overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: Literal[True] = True,
        query_args: Mapping[str, Any] | str | None = None,
        websocket: bool | None = None,
    ) -> tuple[Rule, Mapping[str, Any]]: ...
    def _domain(self) -> str: ...
    def build(
        self,
        endpoint: Any,
        values: Mapping[str, Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str: ...

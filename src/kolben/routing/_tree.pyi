from collections.abc import Callable
from typing import Any, final

import werkzeug.routing
from typing_extensions import disjoint_base

from kolben.routing._segment import Conversion, Pattern

FOUND: int
NOT_FOUND: int
METHOD_NOT_ALLOWED: int
WEBSOCKET_MISMATCH: int
REDIRECT_PATH: int
REDIRECT_ALIAS: int
REDIRECT_DEFAULTS: int
REDIRECT_TO: int
OUTCOMES: tuple[str, ...]

@final
class Match:
    outcome: int
    rule: Any
    endpoint: Any
    @property
    def view_args(self) -> dict[str, Any]: ...
    allowed: set[str]
    path: str
    @property
    def is_redirect(self) -> bool: ...

@disjoint_base
class Entry:
    rule: werkzeug.routing.Rule
    def __init__(
        self,
        rule: werkzeug.routing.Rule,
        names: tuple[str, ...],
        conversions: tuple[Conversion, ...],
        default_rules: tuple[werkzeug.routing.Rule, ...],
    ) -> None: ...

@disjoint_base
class Node:
    def __init__(self, static: dict[str, Node], dynamic: list[tuple[Pattern, Node]], entries: list[Entry]) -> None: ...
    def collect_static_paths(self) -> None: ...

@disjoint_base
class Picture:
    version: int
    def __init__(self, version: int, root: Node | None, merge_slashes: bool, redirect_defaults: bool) -> None: ...

@disjoint_base
class Tree:
    version: int
    def __init__(self, map: werkzeug.routing.Map, compile: Callable[[werkzeug.routing.Map, int], Picture]) -> None: ...
    def changed(self) -> None: ...
    @property
    def is_native(self) -> bool: ...
    def find(self, domain: str, path: str, method: str, websocket: bool) -> Match: ...

def default_rules_for(map: werkzeug.routing.Map, rule: werkzeug.routing.Rule) -> tuple[werkzeug.routing.Rule, ...]: ...

from collections.abc import Callable

import werkzeug.routing
from typing_extensions import disjoint_base

from kolben.routing._match import Match
from kolben.routing._picture import Picture

@disjoint_base
class Tree:
    version: int
    def __init__(self, map: werkzeug.routing.Map, compile: Callable[[werkzeug.routing.Map, int], Picture]) -> None: ...
    def changed(self) -> None: ...
    @property
    def is_native(self) -> bool: ...
    def find(self, domain: str, path: str, method: str, websocket: bool) -> Match: ...

def default_rules_for(map: werkzeug.routing.Map, rule: werkzeug.routing.Rule) -> tuple[werkzeug.routing.Rule, ...]: ...

import werkzeug.routing
from typing_extensions import disjoint_base

from kolben.routing._segment import Conversion, Pattern

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

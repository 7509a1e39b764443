from collections.abc import Callable
from typing import final

import werkzeug.routing
from typing_extensions import disjoint_base

from kolben.routing._tree import Tree

QUOTE: int
NUMBER: int
ASK: int

@final
class Slot:
    name: str
    def __init__(self, name: str, kind: int, converter: werkzeug.routing.BaseConverter) -> None: ...

@final
class Recipe:
    def __init__(
        self,
        rule: werkzeug.routing.Rule,
        domain: tuple[str | Slot, ...] | None = None,
        path: tuple[str | Slot, ...] | None = None,
    ) -> None: ...

@disjoint_base
class Endpoint:
    def __init__(self, rules: list[werkzeug.routing.Rule], recipes: tuple[Recipe, ...]) -> None: ...

@disjoint_base
class Builder:
    def __init__(
        self, tree: Tree, map: werkzeug.routing.Map, compile: Callable[[werkzeug.routing.Rule], Recipe], updates: bool
    ) -> None: ...

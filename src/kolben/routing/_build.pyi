from collections.abc import Callable

import werkzeug.routing

from kolben.routing._tree import Tree

QUOTE: int
NUMBER: int
ASK: int

class Slot:
    name: str
    def __init__(self, name: str, kind: int, converter: werkzeug.routing.BaseConverter) -> None: ...

class Recipe:
    def __init__(
        self,
        rule: werkzeug.routing.Rule,
        domain: tuple[str | Slot, ...] | None = None,
        path: tuple[str | Slot, ...] | None = None,
    ) -> None: ...

class Endpoint:
    def __init__(self, rules: list[werkzeug.routing.Rule], recipes: tuple[Recipe, ...]) -> None: ...

class Builder:
    def __init__(
        self, tree: Tree, map: werkzeug.routing.Map, compile: Callable[[werkzeug.routing.Rule], Recipe], updates: bool
    ) -> None: ...

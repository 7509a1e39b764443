from typing_extensions import disjoint_base

from kolben.routing._node import Node

@disjoint_base
class Picture:
    version: int
    def __init__(self, version: int, root: Node | None, merge_slashes: bool, redirect_defaults: bool) -> None: ...

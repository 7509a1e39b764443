"""Werkzeug's Map and Rule with a native matcher and builder behind them."""

from __future__ import annotations

from typing import Any

import werkzeug.routing

from kolben.routing._build import Builder
from kolben.routing._compiler import compile_recipe, compile_rules
from kolben.routing._tree import Tree
from kolben.routing.adapter import MapAdapter


class Rule(werkzeug.routing.Rule):
    """One URL pattern.  Werkzeug: same, and a bound rule that is changed in place is noticed by its map."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, and tell the map."""
        super().__setattr__(name, value)
        owner = self.__dict__.get("map")
        if isinstance(owner, Map):
            owner.changed()


class Map(werkzeug.routing.Map):
    """Holds the rules of an application.  Werkzeug: same.

    Rules are searched in a native picture of them, which is made again when they change.  Everything that goes
    through the map or a `kolben.routing.Rule` is noticed.  Whoever changes a bound Werkzeug rule in place calls
    `changed()` afterwards.
    """

    _tree: Tree
    _builder: Builder

    def __new__(cls, *_args: object, **_kwargs: object) -> Map:
        """Give the map its tree and its builder before anybody can set an attribute."""
        self = super().__new__(cls)
        tree = Tree(self, compile_rules)
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "_builder", Builder(tree, self, compile_recipe, cls.update is not werkzeug.routing.Map.update))
        return self

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; every one may change what matches."""
        super().__setattr__(name, value)
        if name != "_remap" or value:  # update() takes the mark away and changes nothing that matching sees
            self._tree.changed()

    def __getstate__(self) -> dict[str, Any]:
        """Leave tree and builder out: a copy has its own."""
        return {name: value for name, value in self.__dict__.items() if name not in {"_tree", "_builder"}}

    @property
    def version(self) -> int:
        """A number that is another one whenever matching or building may have changed."""
        return self._tree.version

    def changed(self) -> None:
        """Have the rules compiled again before they are used the next time."""
        self._tree.changed()

    def bind(self, *args: Any, **kwargs: Any) -> MapAdapter:
        """Return an adapter for one host and script.  Werkzeug: same."""
        return _adopt(super().bind(*args, **kwargs))

    def bind_to_environ(self, *args: Any, **kwargs: Any) -> MapAdapter:
        """Return an adapter for a WSGI environment or a request.  Werkzeug: same."""
        return _adopt(super().bind_to_environ(*args, **kwargs))


def _adopt(adapter: werkzeug.routing.MapAdapter) -> MapAdapter:
    """Return ours for the adapter that Werkzeug made: its bind() knows only its own class."""
    ours = MapAdapter.__new__(MapAdapter)
    for name, value in vars(adapter).items():
        setattr(ours, name, value)
    return ours

"""Werkzeug's Map and Rule with a native matcher and builder behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import werkzeug.routing

from kolben.routing._build import Builder
from kolben.routing._compiler import compile_recipe, compile_rules
from kolben.routing._tree import Tree
from kolben.routing.adapter import MapAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request

# What a rule and a map of Werkzeug's know: to set another attribute changes nothing that matching or building sees.
RULE_ATTRIBUTES = frozenset(vars(werkzeug.routing.Rule("/"))) | {"_build", "_build_unknown"}
MAP_ATTRIBUTES = frozenset(vars(werkzeug.routing.Map())) | {"merge_slashes"}


class Rule(werkzeug.routing.Rule):
    """One URL pattern.  Werkzeug: same, and a bound rule that is changed in place is noticed by its map."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, and tell the map."""
        super().__setattr__(name, value)
        owner = self.__dict__.get("map")
        if name in RULE_ATTRIBUTES and isinstance(owner, Map):
            owner.changed()


class Map(werkzeug.routing.Map):
    """Holds the rules of an application.  Werkzeug: same.

    Rules are searched in a native picture of them, which is made again when they change.  Everything that goes
    through the map or a `kolben.routing.Rule` is noticed.  Whoever changes a bound Werkzeug rule in place, or what a
    rule or a converter holds, calls `changed()` afterwards.
    """

    _tree: Tree
    _builder: Builder

    def __new__(cls, *_args: object, **_kwargs: object) -> Self:
        """Give the map its tree and its builder before anybody can set an attribute."""
        self = super().__new__(cls)
        tree = Tree(self, compile_rules)
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "_builder", Builder(tree, self, compile_recipe, cls.update is not werkzeug.routing.Map.update))
        return self

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; most may change what matches."""
        super().__setattr__(name, value)
        # update() takes _remap away when it has sorted the rules; add() sets it when it has added some.
        if name in MAP_ATTRIBUTES and (name != "_remap" or value):
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

    def bind(
        self,
        server_name: str,
        script_name: str | None = None,
        subdomain: str | None = None,
        url_scheme: str = "http",
        default_method: str = "GET",
        path_info: str | None = None,
        query_args: Mapping[str, Any] | str | None = None,
    ) -> MapAdapter:
        """Return an adapter for one host and script.  Werkzeug: same."""
        return _adopt(
            super().bind(
                server_name=server_name,
                script_name=script_name,
                subdomain=subdomain,
                url_scheme=url_scheme,
                default_method=default_method,
                path_info=path_info,
                query_args=query_args,
            ),
        )

    def bind_to_environ(
        self,
        environ: WSGIEnvironment | Request,
        server_name: str | None = None,
        subdomain: str | None = None,
    ) -> MapAdapter:
        """Return an adapter for a WSGI environment or a request.  Werkzeug: same."""
        return _adopt(super().bind_to_environ(environ, server_name=server_name, subdomain=subdomain))


def _adopt(adapter: werkzeug.routing.MapAdapter) -> MapAdapter:
    """Return ours for the adapter that Werkzeug made: its bind() knows only its own class."""
    ours = MapAdapter.__new__(MapAdapter)
    ours.adopt(adapter)
    return ours

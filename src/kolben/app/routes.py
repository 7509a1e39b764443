"""An app's rules, and what is known of each: where its view runs, and what was measured of it in this process (D3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kolben.http.plan import Route

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from werkzeug.routing import Rule

    from kolben.app._handler import AppHandler
    from kolben.app.app import App

__all__ = ["AUTOMATIC", "routes_of"]

AUTOMATIC = frozenset({"HEAD", "OPTIONS"})  # added to rules, not written by the user


def routes_of(app: App, hidden: AbstractSet[str] = AUTOMATIC) -> list[Route]:
    """Return the routes in the order of the app's map, without some methods."""
    return [route_of(app, rule, sorted(set(rule.methods or ()) - hidden)) for rule in app.url_map.iter_rules()]


def route_of(app: App, rule: Rule, methods: list[str]) -> Route:
    """Ask the plan of a rule's endpoint where its view runs, and what was measured of it."""
    domain = (rule.host if app.url_map.host_matching else rule.subdomain) or ""
    if rule.endpoint not in app.view_functions:
        return Route(rule.rule, methods, rule.endpoint, runs="-", domain=domain)
    plan = cast("AppHandler", app.handler).plan_of(rule.endpoint)
    return Route.of(plan, rule.rule, methods, rule.endpoint, domain)

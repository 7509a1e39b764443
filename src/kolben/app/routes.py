"""An app's rules, and what is known of each: where its view runs, and what was measured of it in this process (D3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kolben.http import Mode
from kolben.http.plan import Route

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from kolben.app._plan import AppHandler
    from kolben.app.app import App

__all__ = ["AUTOMATIC", "routes_of"]

AUTOMATIC = frozenset({"HEAD", "OPTIONS"})  # added to rules, not written by the user


def routes_of(app: App, hidden: AbstractSet[str] = AUTOMATIC) -> list[Route]:
    """Return the routes in the order of the app's map, without some methods."""
    return [
        Route(
            rule=rule.rule,
            methods=sorted(set(rule.methods or ()) - hidden),
            endpoint=rule.endpoint,
            domain=(rule.host if app.url_map.host_matching else rule.subdomain) or "",
            **what_is_known(app, rule.endpoint),
        )
        for rule in app.url_map.iter_rules()
    ]


def what_is_known(app: App, endpoint: str) -> dict[str, Any]:
    """Ask the endpoint's plan where its view runs, and what was measured of it."""
    if endpoint not in app.view_functions:
        return {"runs": "-"}
    plan = cast("AppHandler", app.handler).plan_of(endpoint)
    record = plan.record
    return {
        "runs": Mode(plan.mode).name.lower(),
        "pinned": plan.pinned,
        "calls": record.calls,
        "earned": record.earned,
        "lost": record.lost,
        "rescued": record.rescued,
        "mean": record.total // max(record.calls - record.rescued, 1),
        "longest": record.longest,
    }

"""What is known of each route of this process, said in the log when somebody asks by SIGUSR2 (D3).

One line for each route that was called, for a person or with all facts for a machine, as in the access log.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kolben.http import Handler
    from kolben.http.plan import Route

__all__ = ["log_routes"]

log = logging.getLogger("kolben.routes")
FACTS = ("endpoint", "methods", "domain", "runs", "pinned", "calls", "earned", "lost", "rescued")
COLUMNS = "<<<<>>>>>>"  # words to the left, numbers to the right


def log_routes(handler: Handler) -> None:
    """Write to the logger `kolben.routes`; to the standard error stream if nobody has set that logger up."""
    if not log.hasHandlers():
        log.addHandler(logging.StreamHandler(sys.stderr))
        log.setLevel(logging.INFO)
        log.propagate = False
    routes = handler.routes() if handler.routes is not None else []
    called = [route for route in routes if route.calls]
    log.info("Routes: %d, of which %d were called here", len(routes), len(called))
    for route, line in zip(called, as_lines(called), strict=True):
        log.info("%s", line, extra={"facts": as_facts(route)})


def as_facts(route: Route) -> dict[str, Any]:
    """Return a route for a machine, in the words of the access log."""
    facts = {name: getattr(route, name) for name in FACTS}
    return {"route": route.rule, **facts, "mean_us": route.mean, "longest_us": route.longest}


def as_lines(routes: list[Route]) -> list[str]:
    """Return lines for a person, one below the other."""
    rows = [as_words(route) for route in routes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{word:{way}{width}}" for word, way, width in zip(row, COLUMNS, widths, strict=True)) for row in rows]


def as_words(route: Route) -> list[str]:
    """Return what stands in a line."""
    return [
        route.rule,
        ", ".join(route.methods) or "any",
        route.endpoint,
        f"{route.runs} ({'pinned' if route.pinned else 'measured'})",
        f"{route.calls} calls",
        f"earned {route.earned}",
        f"lost {route.lost}",
        f"rescued {route.rescued}",
        f"mean {route.mean / 1000:.2f} ms",
        f"longest {route.longest / 1000:.1f} ms",
    ]

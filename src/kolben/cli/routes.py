"""`kolben routes`: an app's rules, and where their views run."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from kolben.cli.options import Options, parse
from kolben.cli.run import load_app
from kolben.cli.terminal import show, strong

__all__ = ["Route", "command", "routes_of"]

AUTOMATIC = {"HEAD", "OPTIONS"}  # added to rules, not written by the user


@dataclass(frozen=True, slots=True)
class Route:
    """One rule, as it is shown.

    Attributes:
        rule: The path's pattern.
        methods: In alphabetical order; none means every method.
        endpoint: The name of the view.
        runs: inline, thread or task; "-" when no view stands behind the endpoint.
        domain: The rule's host or subdomain.
    """

    rule: str
    methods: list[str]
    endpoint: str
    runs: str
    domain: str = ""


SORTS: dict[str, Callable[[Route], Any] | None] = {
    "endpoint": lambda route: (route.endpoint, route.rule),
    "methods": lambda route: (route.methods, route.rule),
    "rule": lambda route: route.rule,
    "runs": lambda route: (route.runs, route.rule),
    "domain": lambda route: (route.domain, route.rule),
    "match": None,  # the order of the map itself; Flask: same word
}
OPTIONS: Options = {
    ("--sort", "-s"): {"choices": list(SORTS), "default": "endpoint", "help": "order of the rows (endpoint)"},
    ("--all-methods",): {"action": "store_true", "help": "show HEAD and OPTIONS too"},
    ("--json",): {"action": "store_true", "help": "print JSON, for programs"},
    ("--debug",): {"action": "store_const", "const": True, "default": None, "help": "load the app in debug mode"},
    ("--no-flask",): {"action": "store_true", "help": "leave `import flask` alone: by default it means Kolben"},
}


def command(arguments: list[str]) -> int:
    """Print the table of an app's routes."""
    options = parse("routes", "Show an app's rules, and where their views run.", OPTIONS, arguments)
    routes = routes_of(load_app(options), hidden=set() if options.all_methods else AUTOMATIC)
    if key := SORTS[options.sort]:
        routes.sort(key=key)
    show(as_json(routes) if options.json else as_table(routes))
    return 0


def routes_of(app: Any, hidden: set[str]) -> list[Route]:
    """Return the routes in the order of the app's map."""
    return [
        Route(
            rule=rule.rule,
            methods=sorted(set(rule.methods or ()) - hidden),
            endpoint=rule.endpoint,
            runs=where_it_runs(app, rule.endpoint),
            domain=(rule.host if app.url_map.host_matching else rule.subdomain) or "",
        )
        for rule in app.url_map.iter_rules()
    ]


def where_it_runs(app: Any, endpoint: str) -> str:
    """Say where a view runs: in a thread, unless it was pinned inline or, as `async def`, is a task."""
    view = app.view_functions.get(endpoint)
    if view is None:
        return "-"
    pinned = str(app.endpoint_options.get(endpoint, {}).get("run") or "")
    return "task" if inspect.iscoroutinefunction(view) and pinned != "thread" else pinned or "thread"


def as_json(routes: list[Route]) -> str:
    """Return the routes for a program."""
    import json

    return json.dumps([asdict(route) for route in routes], indent=2)


def as_table(routes: list[Route]) -> str:
    """Return the routes for a person; the domain only if one has one."""
    if not routes:
        return "No routes."
    rows = [("Rule", "Methods", "Endpoint", "Runs", "Domain")]
    rows += [(route.rule, ", ".join(route.methods) or "any", route.endpoint, route.runs, route.domain) for route in routes]
    widths = [max(len(row[column]) for row in rows) for column in range(5 if any(route.domain for route in routes) else 4)]
    head, *lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    return "\n".join([strong(head), *lines])

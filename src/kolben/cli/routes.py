"""`kolben routes`: an app's rules, and where their views run."""

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
        pinned: It runs there whatever is measured.
        calls: How often it was called in this process, as far as the server counts: none, in a process that only lists routes.
        earned: How often it earned running inline.
        lost: How often it lost that.
        rescued: Inline calls that blocked.
    """

    rule: str
    methods: list[str]
    endpoint: str
    runs: str
    domain: str = ""
    pinned: bool = True
    calls: int = 0
    earned: int = 0
    lost: int = 0
    rescued: int = 0


FIGURES = ("calls", "earned", "lost", "rescued")
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
            domain=(rule.host if app.url_map.host_matching else rule.subdomain) or "",
            **where_it_runs(app, rule.endpoint),
        )
        for rule in app.url_map.iter_rules()
    ]


def where_it_runs(app: Any, endpoint: str) -> dict[str, Any]:
    """Ask the endpoint's plan where its view runs, and what was measured of it."""
    if endpoint not in app.view_functions or not hasattr(app, "handler"):
        return {"runs": "-" if endpoint not in app.view_functions else "thread"}
    plan = app.handler.plan_of(endpoint)
    figures = {name: getattr(plan.record, name) for name in FIGURES}
    return {"runs": ("inline", "thread", "task")[plan.mode], "pinned": plan.pinned, **figures}


def as_json(routes: list[Route]) -> str:
    """Return the routes for a program."""
    import json

    return json.dumps([asdict(route) for route in routes], indent=2)


def as_table(routes: list[Route]) -> str:
    """Return the routes for a person; the domain and the figures only if one has any."""
    if not routes:
        return "No routes."
    columns = [("Rule", "rule"), ("Methods", "methods"), ("Endpoint", "endpoint"), ("Runs", "runs")]
    columns += [("Domain", "domain")] if any(route.domain for route in routes) else []
    columns += [(name.capitalize(), name) for name in FIGURES] if any(route.calls for route in routes) else []
    rows = [[title for title, _ in columns], *([as_cell(route, name) for _, name in columns] for route in routes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([strong(head), *lines])


def as_cell(route: Route, name: str) -> str:
    """Return one attribute of a route for a person."""
    if name == "methods":
        return ", ".join(route.methods) or "any"
    if name == "runs" and not route.pinned:
        return f"{route.runs} (measured)"
    return str(getattr(route, name))

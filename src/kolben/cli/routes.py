"""`kolben routes`: an app's rules, and where their views run."""

import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from kolben.cli.options import Options, parse
from kolben.cli.reload import NAMED, pid_path
from kolben.cli.run import load_app
from kolben.cli.terminal import show, strong
from kolben.http.plan import Route

__all__ = ["as_table", "command"]

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
    ("--live",): {"action": "store_true", "help": "have a running server write the figures of its routes into its log"},
    NAMED: {"metavar": "PATH", "help": "with --live: the one that the server was started with"},
    ("--debug",): {"action": "store_const", "const": True, "default": None, "help": "load the app in debug mode"},
    ("--no-flask",): {"action": "store_true", "help": "leave `import flask` alone: by default it means Kolben"},
}


def command(arguments: list[str]) -> int:
    """Print the table of an app's routes, or ask a server for its own."""
    options = parse("routes", "Show an app's rules, and where their views run.", OPTIONS, arguments)
    if options.live:
        from kolben.server.pidfile import find_pid

        return ask(find_pid(pid_path(options)))
    from kolben.app.routes import AUTOMATIC, routes_of

    routes = routes_of(load_app(options), hidden=set() if options.all_methods else AUTOMATIC)
    if key := SORTS[options.sort]:
        routes.sort(key=key)
    show(as_json(routes) if options.json else as_table(routes))
    return 0


def ask(pid: int) -> int:
    """Have every process of a server log what it knows: a table for each, since each has measured for itself."""
    os.kill(pid, signal.SIGUSR2)
    show(f"process {pid} was asked: each worker writes its routes into the server's log")
    return 0


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

"""url_for: how many times faster than Flask's, in one run.

    PYTHONPATH=src python bench/url_for.py

Both make the same URLs (checked first), among 100 rules, while a request is answered.  They take turns, and the least time of each
counts: what else the machine does hits both.  What an empty call costs is not taken off.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import flask
import kolben.app.urls
from kolben.app import App

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 60
CALLS = 1000
BAR = 5  # times, of each
CALLED = {
    "no variables": ("index", {}),
    "two variables": ("post", {"id": 42, "slug": "hello-world"}),
    "a query value": ("post", {"id": 42, "slug": "hello-world", "page": 2}),
    "a static file": ("static", {"filename": "css/site.css"}),
    "external": ("post", {"id": 42, "slug": "hello-world", "_external": True}),
    "an anchor": ("index", {"_anchor": "top"}),
    "in a blueprint": (".list", {}),
}


def make_app(library: Any, app_class: Any) -> Any:
    """Return an app of 100 rules."""
    app = app_class("bench", static_folder="static")
    for number in range(96):
        app.add_url_rule(f"/area{number}/<int:id>/item/<slug>", f"area{number}", str)
    app.add_url_rule("/", "index", str)
    app.add_url_rule("/user/<int:id>/post/<slug>", "post", str)
    area = library.Blueprint("shop", "bench", url_prefix="/shop")
    area.add_url_rule("/", "list", str)
    app.register_blueprint(area)
    return app


def least_times(*calls: Callable[[], object]) -> list[float]:
    """Return microseconds of CPU time a call, the least of interleaved rounds."""
    least = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            start = time.process_time_ns()
            for _ in range(CALLS):
                call()
            least[place] = min(least[place], (time.process_time_ns() - start) / CALLS / 1000)
    return least


def main() -> int:
    """Print a line for each kind of URL; 1 if a bar was missed."""
    from kolben.app.blueprints import Blueprint  # beside `flask.Blueprint`

    missed: list[str] = []
    theirs = make_app(flask, flask.Flask)
    ours = make_app(type("kolben", (), {"Blueprint": Blueprint}), App)
    with theirs.test_request_context("/shop/"), ours.test_request_context("/shop/"):
        for name, (endpoint, values) in CALLED.items():
            calls = partial(flask.url_for, endpoint, **values), partial(kolben.app.urls.url_for, endpoint, **values)
            assert calls[0]() == calls[1]()
            slow, fast = least_times(*calls)
            print(f"{name:16} flask {slow:6.2f} µs   kolben {fast:6.2f} µs   {slow / fast:5.1f} times faster")
            missed += [f"{name}: {slow / fast:.1f} times faster, expected at least {BAR}"] if slow < BAR * fast else []
    print("\n".join(f"MISSED {bar}" for bar in missed) or f"each at least {BAR} times faster")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Matching and building against Werkzeug's, and 10,000 rules against 100: ratios of one run.

    python bench/routing.py

Each figure is the least CPU time of several rounds, interleaved with what it is compared to, less that of an empty call.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import werkzeug.routing

import kolben.routing

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 60
CALLS = 1000
PATH = "/user/42/post/hello-world"
VALUES = {"id": 42, "slug": "hello-world"}


def make_map(library: Any, count: int) -> Any:
    """Return a map of `count` rules, as an application of many blueprints has them."""
    rules = [library.Rule(f"/area{number}/<int:id>/item/<slug>", endpoint=f"area{number}") for number in range(count - 3)]
    rules += [
        library.Rule("/", endpoint="index"),
        library.Rule("/user/<int:id>/post/<slug>", endpoint="post", methods=["GET"]),
        library.Rule("/static/<path:filename>", endpoint="static"),
    ]
    return library.Map(rules)


def measure(questions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the nanoseconds of each question."""
    least = dict.fromkeys(["empty", *questions], float("inf"))
    for _ in range(ROUNDS):
        for name, question in [("empty", lambda: None), *questions.items()]:
            start = time.process_time_ns()
            for _ in range(CALLS):
                question()
            least[name] = min(least[name], (time.process_time_ns() - start) / CALLS)
    return {name: least[name] - least["empty"] for name in questions}


def main() -> None:
    """Print the table."""
    few, many, oracle = make_map(kolben.routing, 100), make_map(kolben.routing, 10_000), make_map(werkzeug.routing, 100)
    ours, theirs = few.bind("example.com"), oracle.bind("example.com")
    query = VALUES | {"page": 2}
    found = measure(
        {
            "native match, 100 rules": lambda: few._tree.find("", PATH, "GET", False),
            "native match, 10,000 rules": lambda: many._tree.find("", PATH, "GET", False),
            "native match, static": lambda: few._tree.find("", "/", "GET", False),
            "native match, not found": lambda: few._tree.find("", "/nothing/here", "GET", False),
            "match": lambda: ours.match(PATH),
            "Werkzeug's match": lambda: theirs.match(PATH),
            "build": lambda: ours.build("post", VALUES),
            "Werkzeug's build": lambda: theirs.build("post", VALUES),
            "build with a query": lambda: ours.build("post", query),
            "Werkzeug's build with a query": lambda: theirs.build("post", query),
            "build without values": lambda: ours.build("index"),
            "Werkzeug's build without values": lambda: theirs.build("index"),
        },
    )
    for name, nanoseconds in found.items():
        print(f"{name:32} {nanoseconds:8.0f} ns")
    ratio = found["native match, 10,000 rules"] / found["native match, 100 rules"]
    print(f"{'10,000 rules to 100':32} {ratio:8.2f}, at most 1.2")
    for name in ("match", "build", "build with a query", "build without values"):
        label = f"Werkzeug's {name}"
        print(f"{label + ' to ours':44} {found[label] / found[name]:8.1f}")


if __name__ == "__main__":
    main()

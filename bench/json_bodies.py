"""JSON answers: how many times faster than Flask's provider, in one run.

    PYTHONPATH=src python bench/json_bodies.py

Not named json.py: that would hide the module `json` from every script in this folder.

Both write the same bytes (checked first).  They take turns, and the best time of each counts: what else the machine does hits both.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import flask
from kolben.http.json import Encoder, default, loads

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 40
ROUND = 0.01  # seconds
ENCODER = Encoder(separators=(",", ":"), default=default)
PROVIDER = flask.Flask("bench").json

OBJECTS = [
    {
        "id": number,
        "name": f"User {number}",
        "email": f"user{number}@example.com",
        "active": number % 2 == 0,
        "balance": number * 125 / 100,
        "tags": ["news", "sports", "music"],
        "address": {"street": f"{number} Main Street", "zip": "12345", "city": "Zürich"},
        "manager": None,
    }
    for number in range(100)
]
VALUES = {
    "message": {"message": "Hello, World!"},
    "100 objects": OBJECTS,
    "1000 ints": list(range(1000)),
    "1000 floats of 17 digits": [number / 7 for number in range(1000)],
    "10 kB of text": "Hello, World! " * 700,
}


def flask_body(value: Any) -> bytes:
    """Do what Flask's provider does for an answer, without making the response around it."""
    return f"{PROVIDER.dumps(value, separators=(',', ':'))}\n".encode()


def best_times(*calls: Callable[[], Any]) -> list[float]:
    """Return seconds a call, the best of interleaved rounds."""
    start = time.perf_counter()
    calls[0]()
    count = max(1, int(ROUND / (time.perf_counter() - start)))
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            for _ in range(count):
                call()
            best[place] = min(best[place], (time.perf_counter() - start) / count)
    return best


def main() -> None:
    """Print a line for each value and direction."""
    for name, value in VALUES.items():
        body = ENCODER.encode_response(value)
        assert body == flask_body(value)
        theirs, ours = best_times(partial(flask_body, value), partial(ENCODER.encode_response, value))
        print(f"encode {name:26} flask {theirs * 1e6:8.2f} µs   kolben {ours * 1e6:8.2f} µs   {theirs / ours:5.1f} times faster")
        theirs, ours = best_times(partial(json.loads, body), partial(loads, body))
        print(f"decode {name:26} json  {theirs * 1e6:8.2f} µs   kolben {ours * 1e6:8.2f} µs   {theirs / ours:5.1f} times faster")


if __name__ == "__main__":
    main()

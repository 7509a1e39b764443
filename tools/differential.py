#!/usr/bin/env python3
"""Ask our router, URLs and JSON and Werkzeug's, Flask's and Python's the same questions, and count them.

    PYTHONPATH=src:. python tools/differential.py [--only routing|json] [SECONDS]

Each example is made from a random number: a set of rules and settings that is asked 40 paths and 30 URLs
(tests/properties/test_routing.py), or ten values that are written three ways and ten documents that are read
(tests/properties/test_json_seeded.py).  The first difference ends the run with an AssertionError that holds the example.
"""

import argparse
import random
import time

from tests.properties.test_json_seeded import compare_json
from tests.properties.test_routing import compare_matches, compare_urls

ARMS = {"routing": {"matches": compare_matches, "URLs": compare_urls}, "json": {"JSON results": compare_json}}


def main() -> None:
    """Print how much was compared, arm by arm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=60, help="of CPU time, for each arm")
    parser.add_argument("--only", choices=ARMS)
    options = parser.parse_args()
    for arm in [options.only] if options.only else ARMS:
        ask(arm, options.seconds)


def ask(arm: str, seconds: float) -> None:
    """Compare for so many seconds of CPU time."""
    counts = dict.fromkeys(ARMS[arm], 0)
    examples = 0
    start = time.process_time()
    while time.process_time() < start + seconds:
        seed = random.getrandbits(64)  # no secret
        for name, compare in ARMS[arm].items():
            counts[name] += compare(seed)
        examples += 1
    spent = time.process_time() - start
    compared = " and ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{arm}: {examples:,} examples, {compared}, no difference; {spent:.0f} s of CPU time", flush=True)  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main()

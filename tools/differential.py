#!/usr/bin/env python3
"""Ask our router and Werkzeug's the same questions for some time, and count them.

    PYTHONPATH=src:. python tools/differential.py [SECONDS]

Each example is a set of rules and settings made from a random number (tests/properties/test_routing.py), and is asked 40 paths and
30 URLs.  The first difference ends the run with an AssertionError that holds the example.
"""

import random
import sys
import time

from tests.properties.test_routing import compare_matches, compare_urls


def main(seconds: float) -> None:
    """Print how many matches and how many URLs were compared."""
    start = time.process_time()
    deadline = time.monotonic() + seconds
    examples = matches = urls = 0
    while time.monotonic() < deadline:
        seed = random.getrandbits(64)  # no secret
        matches += compare_matches(seed)
        urls += compare_urls(seed)
        examples += 1
    spent = time.process_time() - start
    print(f"{examples:,} examples: {matches:,} matches and {urls:,} URLs, no difference; {spent:.0f} s of CPU time")  # noqa: T201 - what it is run for


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)

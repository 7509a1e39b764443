"""Fuzz target: rules and questions made from bytes; Werkzeug's answers are the right ones.

    python fuzz/routing.py --seconds 60 [--seed N]

Documented exceptions: those that Werkzeug raises for the same question, of the same type and text.
An engine that brings its own bytes calls `fuzz(data)`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "properties"))

import test_routing


def fuzz(data: bytes) -> None:
    """Ask one example's questions; AssertionError if an answer differs."""
    seed = int.from_bytes(data, "little")
    test_routing.test_a_match_is_werkzeugs_match.hypothesis.inner_test(seed)
    test_routing.test_a_url_is_werkzeugs_url.hypothesis.inner_test(seed)


def main() -> None:
    """Fuzz for some seconds with random bytes, and say how to repeat a failure."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options.add_argument("--data", type=bytes.fromhex, help="bytes of a failure, in hexadecimal: ask this one only")
    chosen = options.parse_args()
    if chosen.data is not None:
        fuzz(chosen.data)
        return
    source = random.Random(chosen.seed)  # no secret
    end = time.monotonic() + chosen.seconds
    count = 0
    while time.monotonic() < end:
        data = source.randbytes(8)
        try:
            fuzz(data)
        except BaseException:
            print(f"python fuzz/routing.py --data {data.hex()}", file=sys.stderr)
            raise
        count += 1
    print(f"{count} examples, seed {chosen.seed}: no difference")


if __name__ == "__main__":
    main()

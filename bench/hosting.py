#!/usr/bin/env python3
"""Other people's applications on our server beside theirs, and our async views beside every async peer, each in one interleaved run.

The figure is CPU time per request, as in bars.py; the bars are ratios of one row to another's.

    bench/hosting.py                        # the same bare ASGI and WSGI callables on each server
    bench/hosting.py --async                # plaintext of `kolben async` and of every async peer
    bench/hosting.py --quick                # 3 rounds of 1 s

Errors in a row of ours tell that the machine held the server for two seconds or more, as somebody else's work or a SIGSTOP does: then wrk
counts its own timeouts, and what waited for so long is refused (`timeouts.queue`).  Measure again.

Needs bench/peers/setup.sh.  Exits 1 when a bar is missed, 2 when climit is not there.
"""

import argparse
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

import bars
import run


def beside(row, other, bar):
    """A ratio of plaintext's CPU time, as bars.py compares them."""
    return row, "plaintext", other, "plaintext", "cpu_us", bar, "plaintext"


HOSTING = [
    beside("kolben hosts raw ASGI", "uvicorn, raw ASGI", 1.0),
    beside("kolben hosts raw ASGI", "granian ASGI, raw", 1.0),
    beside("kolben hosts raw WSGI", "gunicorn, raw WSGI", 1.0),
    beside("kolben hosts raw WSGI", "bjoern, raw WSGI", 1.3),
]
PEERS = [
    "granian RSGI, raw",
    "blacksheep + granian",
    "blacksheep + uvicorn",
    "aiohttp + uvloop",
    "starlette + granian",
    "starlette + uvicorn",
    "fastapi async + uvicorn",
    "litestar async + uvicorn",
    "falcon ASGI + uvicorn",
    "quart + uvicorn",
    "quart + hypercorn",
    "sanic",
]
ASYNC = [beside("kolben async", peer, 1.0) for peer in PEERS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--async", dest="peers", action="store_true", help="async frameworks instead of hosting")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s bursts")
    args = parser.parse_args()
    ratios = ASYNC if args.peers else HOSTING
    rounds, seconds = (3, 1) if args.quick else (7, 2)
    known = {entry.name: entry for entry in run.ENTRIES}
    rows = dict.fromkeys([bars.LIMIT, *(row for ratio in ratios for row in (ratio[0], ratio[2]))])
    bars.WORKLOADS[:] = ["plaintext"]
    with contextlib.ExitStack() as stack:
        servers = bars.start([known[row] for row in rows], stack)
        if bars.LIMIT not in servers:
            print("climit is not there; do: bench/peers/setup.sh c")
            return 2
        results = bars.measure(servers, rounds, seconds)
    bars.report(results)
    missed = bars.compare(results, ratios)
    print("\n" + ("\n".join(f"MISSED {bar}" for bar in missed) or "every bar that was measured holds"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

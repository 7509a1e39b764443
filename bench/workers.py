#!/usr/bin/env python3
"""What a second worker is worth, and how evenly the workers share the connections.

    python bench/workers.py [--rounds 3] [--seconds 5]

Two workers against one, interleaved, on all cores: a view that burns 2 ms of CPU, asked by wrk over 16 connections.  On a machine with two
cores the load has to have next to none of them: a request costs wrk some 20 us, a hundredth of what it costs the server.  What it took
is printed.

The spread: 64 connections that are opened one after the other and stay, with a request each, over four workers; what counts is how many a
worker holds.

Bars: two do 1.8 times of one (medians), the busiest of four holds at most 1.3 times the average.  Ends with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter

from served import Served

APP = """
import os, time
from kolben import App
app = App("workers")

@app.get("/burn", run="inline")
def burn():
    until = time.thread_time() + 0.002
    while time.thread_time() < until:
        pass
    return "done"

@app.get("/who")
def who():
    return str(os.getpid())
"""
WORTH, SPREAD = 1.8, 1.3
CONNECTIONS = 64


def served(workers: int) -> Served:
    return Served(APP, command=("serve", "--workers", str(workers), "--no-access-log"))


def settle(server: Served, workers: int) -> None:
    """Wait until every worker has answered, and knows of the others."""
    seen: set[bytes] = set()
    deadline = time.monotonic() + 20
    while len(seen) < workers and time.monotonic() < deadline:
        peers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(8 * workers)]
        seen.update(who(peer) for peer in peers)
        for peer in peers:
            peer.close()
    if len(seen) < workers:
        raise SystemExit(f"workers.py: of {workers} workers {len(seen)} answer")
    time.sleep(1)


def who(peer: socket.socket) -> bytes:
    peer.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
    return peer.recv(4096).rpartition(b"\r\n\r\n")[2]


def rate(workers: int, seconds: float) -> tuple[float, float]:
    """Answers a second, and the share of a core that wrk took."""
    with served(workers) as server:
        settle(server, workers)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["wrk", "-t1", "-c16", f"-d{seconds:g}s", f"http://127.0.0.1:{server.port}/burn"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # before the server has ended: of wrk alone
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if found is None or "Non-2xx" in said:
        raise SystemExit(f"workers.py: wrk says:\n{said}")
    return float(found[1]), took / seconds


def spread(workers: int) -> list[int]:
    """How many of the connections each worker holds."""
    with served(workers) as server:
        settle(server, workers)
        peers = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(CONNECTIONS)]
        held = Counter(who(peer) for peer in peers)
        for peer in peers:
            peer.close()
    return sorted(held.values(), reverse=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for workers, found in rates.items():
            each, load = rate(workers, options.seconds)
            found.append(each)
            print(f"{workers} of 2 ms: {each:.0f}/s; wrk took {load:.3f} of a core", flush=True)
    worth = statistics.median(rates[2]) / statistics.median(rates[1])
    print(f"two workers: {worth:.2f} times of one (bar {WORTH}), {len(os.sched_getaffinity(0))} cores")
    shares = [spread(4) for _ in range(options.rounds)]
    worst = max(held[0] * 4 / CONNECTIONS for held in shares)
    for held in shares:
        print(f"four workers hold {held} of {CONNECTIONS} connections: the busiest {held[0] * 4 / CONNECTIONS:.2f} of the average")
    print(f"spread {worst:.2f} (bar {SPREAD})")
    return worth < WORTH or worst > SPREAD


if __name__ == "__main__":
    sys.exit(main())

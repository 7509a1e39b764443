#!/usr/bin/env python3
"""Kolben beside its peers in one interleaved run, as multiples of a bare C epoll responder's plaintext.

All servers stay up; a round gives each row a burst of each of its workloads in turn, so what else the machine does
falls on all of them.  The figure is CPU time (user + system of all processes of a server) per request, divided by that of
climit's plaintext in the same round; shown is the median of the rounds.

    bench/bars.py                           # all rows, 7 rounds of 2 s bursts, and system calls per request
    bench/bars.py --quick                   # 3 rounds of 1 s
    bench/bars.py --only kolben,mrhttp      # these and climit

Needs bench/peers/setup.sh.  Exits 1 when a bar is missed, 2 when Kolben or climit is not there.
"""

import argparse
import contextlib
import math
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

import run  # the harness beside this file
import syscalls

LIMIT = "C epoll (limit)"
ROWS = [
    LIMIT,
    "kolben earned",
    "kolben inline",
    "kolben async",
    "kolben thread",
    "kolben wsgi",
    "mrhttp",
    "bjoern, raw WSGI",
    "socketify",
    "granian RSGI, raw",
    "blacksheep + granian",
    "falcon + bjoern",
    "starlette + uvicorn",
    "flask + bjoern",
    "flask + bjoern, ProxyFix",
    "flask + gunicorn sync",
    "kolben shop",
    "kolben shop, sliding",
    "flask + bjoern shop",
    "flask + bjoern shop, sliding",
]
WORKLOADS = ["plaintext", "json", "params", "body", "shop"]
BARS = {  # multiples of climit's plaintext
    ("kolben earned", "plaintext"): 1.25,  # a plain view that earned running inline by itself
    ("kolben inline", "plaintext"): 1.25,
    ("kolben inline", "json"): 1.3,
    ("kolben inline", "params"): 1.5,  # two variables and a query among 100 rules, answered as JSON
    ("kolben inline", "body"): 1.65,  # a small JSON body, parsed and echoed
    ("kolben async", "plaintext"): 1.55,
}
SPECIAL = {LIMIT: (run.PIPELINE, run.LATENCY), "kolben inline": (run.PIPELINE, run.LATENCY)}  # plaintext, asked in other ways
RATIOS = [  # what of a row, how often what of another row in the same round: the bar, and what it says
    ("kolben inline", run.PIPELINE, LIMIT, "plaintext", "cpu_us", 0.27, f"CPU of one of {run.DEPTH} pipelined requests"),
    ("kolben inline", run.LATENCY, LIMIT, run.LATENCY, "cpu_us", 1.45, "CPU with one connection"),
    ("kolben inline", run.LATENCY, LIMIT, run.LATENCY, "p50", 1.2, "median latency with one connection"),
    ("kolben wsgi", "plaintext", "flask + bjoern, ProxyFix", "plaintext", "cpu_us", 0.5, "CPU, the same wrapper around both"),
    (
        "kolben shop",
        "shop",
        "flask + bjoern shop",
        "shop",
        "cpu_us",
        0.6,
        "CPU of the same file: a blueprint, hooks, a session, a template",
    ),
    ("kolben shop, sliding", "shop", "flask + bjoern shop, sliding", "shop", "cpu_us", 0.6, "CPU, its session signed anew in each answer"),
]
SYSCALLS_BAR = ("kolben inline", 2.2)  # a request


def start(entries, stack):
    """Start and check a server for each row; a row that does not start is reported and left out."""
    servers = {}
    for entry in entries:
        if entry.venv and not (run.HOME / entry.venv).exists():
            print(f"{entry.name}: not installed; do: bench/peers/setup.sh {entry.venv}")
            continue
        tmp = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            server = run.Server(entry, run.free_port(), tmp)
            stack.callback(server.stop)
            names = [name for name in WORKLOADS if name in entry.workloads]
            for name in names:
                run.check(server, name)
            run.warm(server, names)
        except Exception as error:
            print(f"{entry.name}: left out: {error}")
            continue
        servers[entry.name] = (server, [*names, *SPECIAL.get(entry.name, ())], tmp)
    return servers


def measure(servers, rounds, seconds):
    """{(row, workload): [result of each round, ...]}."""
    results = {}
    for number in range(rounds + 1):  # the first is for warming up
        for row, (server, names, tmp) in servers.items():
            for name in names:
                result = run.measure(server, name, seconds if number else 1, tmp)
                if number:
                    results.setdefault((row, name), []).append(result)
        print(f"round {number} of {rounds}" if number else "warmed up", flush=True)
    return results


def multiples(results):
    """{(row, workload): median of its multiple of climit's plaintext in the same round}."""
    limit = [result["cpu_us"] for result in results[LIMIT, "plaintext"]]
    return {key: statistics.median(result["cpu_us"] / base for result, base in zip(of, limit, strict=True)) for key, of in results.items()}


def report(results):
    """Print the table; gives the bars that were missed."""
    by = multiples(results)
    missed = []
    print(f"\n{'':26}" + "".join(f"{name:>34}" for name in WORKLOADS))
    print(f"{'':26}" + f"{'multiple':>10}{'bar':>8}{'us':>8}{'errors':>8}" * len(WORKLOADS))
    for row in sorted({row for row, _ in by}, key=lambda row: by.get((row, "plaintext"), math.inf)):
        line = f"{row:26}"
        for name in WORKLOADS:
            if (row, name) not in by:
                line += " " * 34
                continue
            multiple, bar, of = by[row, name], BARS.get((row, name)), results[row, name]
            missed += [f"{row}, {name}: {multiple:.2f}, bar {bar}"] if bar and multiple > bar else []
            errors = sum(result["errors"] for result in of)
            line += f"{multiple:10.2f}{bar or '':>8}{statistics.median(result['cpu_us'] for result in of):8.2f}{errors:8}"
        print(line)
    return missed + compare(results)


def compare(results, ratios=None):
    """Print the ratios that have a bar of their own; gives the bars that were missed."""
    missed = []
    print()
    for row, name, other_row, other, figure, bar, meaning in RATIOS if ratios is None else ratios:
        if (row, name) not in results or (other_row, other) not in results:
            continue
        rounds = zip(results[row, name], results[other_row, other], strict=True)
        ratio = statistics.median(one[figure] / base[figure] for one, base in rounds)
        print(f"{row}, {meaning}: {ratio:.2f} of {other_row}'s {other} (bar {bar})")
        missed += [f"{row}, {meaning}: {ratio:.2f}, bar {bar}"] if ratio > bar else []
    return missed


def count_calls(entries):
    """Print system calls per request of Kolben's row; gives the bar if it was missed."""
    row, bar = SYSCALLS_BAR
    entry = next((entry for entry in entries if entry.name == row), None)
    if entry is None:
        return []
    try:
        total, calls = syscalls.count(entry)
    except FileNotFoundError:
        return [f"{row}: system calls not counted: strace is not installed"]
    print(f"\n{row}: {total:.2f} system calls a request (bar {bar}): " + ", ".join(f"{name} {n:.2f}" for n, name in calls if n >= 0.02))
    return [f"{row}: {total:.2f} system calls a request, bar {bar}"] if total > bar else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s bursts")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of one burst")
    parser.add_argument("--only", help="rows whose names begin so, comma separated; climit is always there")
    args = parser.parse_args()
    rounds = args.rounds or (3 if args.quick else 7)
    seconds = args.seconds or (1 if args.quick else 2)
    wanted = tuple(args.only.split(",")) if args.only else tuple(ROWS)
    known = {entry.name: entry for entry in run.ENTRIES}
    entries = [known[row] for row in ROWS if row == LIMIT or row.startswith(wanted)]
    with contextlib.ExitStack() as stack:
        servers = start(entries, stack)
        if LIMIT not in servers:
            print("climit is not there; do: bench/peers/setup.sh c")
            return 2
        missed = report(measure(servers, rounds, seconds))
    if any(row.startswith("kolben") for row in servers):
        missed += count_calls([entry for entry in entries if entry.name in servers])
    elif any(entry.name.startswith("kolben") for entry in entries):
        print("\nKolben was not measured.")
        return 2
    print("\n" + ("\n".join(f"MISSED {bar}" for bar in missed) or "every bar that was measured holds"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

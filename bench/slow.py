"""What thousands of slow clients do to a normal one, and whether the deadlines end them all.  Loopback, bounded.

    python bench/slow.py [--clients 2000] [--rounds 3]

Slow clients, a quarter each: they say nothing; send a head without end, a field a second; send a body of 100,000 bytes, a byte a second;
send a head byte by byte, one a second.  They are in a process of their own, on a core of their own, and do not come back when they are cut off.
A normal client asks every two milliseconds over one connection, and once in a while over a new one, before they come and while they are
there; it shares the server's core.

The deadlines are lowered by the app's `timeouts`, from 10 and 20 seconds to LIMIT, so that a round is short; nothing else is.
Bars: the normal client's p99 less than doubles (medians over the rounds), no slow client is open LATEST seconds after it began.
Ends with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

from served import Served

LIMIT = 6.0  # seconds
LATEST = LIMIT + 3  # lingering after a refusal, and the timers' own tick
APP = f"""
from kolben import App, Timeouts
from kolben.flask import request
app = App("slow")
app.timeouts = Timeouts(first_byte={LIMIT}, head={LIMIT}, body={LIMIT}, body_grace={LIMIT - 1}, lingering=1)

@app.get("/")
def hello():
    return "Hello"

@app.post("/")
def take():
    return str(len(request.get_data()))
"""
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
KINDS = {
    "nothing": (b"", b""),
    "head": (HEAD, b"X-Field: x\r\n"),
    "body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "bytes": (b"G", b"E"),
}
CORES = sorted(os.sched_getaffinity(0))
DRIPS = {"bytes": HEAD[1:]}  # byte by byte; the others repeat theirs


def attack(port: int, count: int) -> dict[str, dict[str, float]]:
    """Be so many slow clients; for each kind, how many were ended, how many were not, and the longest time one was open."""
    kinds = list(KINDS)
    peers = {}
    poller = select.poll()
    for index in range(count):
        kind = kinds[index % len(kinds)]
        peer = socket.create_connection(("127.0.0.1", port), 30)
        peer.setblocking(False)
        peer.send(KINDS[kind][0])
        peers[peer.fileno()] = [peer, kind, time.monotonic(), 0]
        poller.register(peer, select.POLLIN)
    print("there", flush=True)
    ends: dict[str, list[float]] = {kind: [] for kind in kinds}
    last = max(began for _, _, began, _ in peers.values())
    while peers and time.monotonic() < last + LATEST:
        for fd, _ in poller.poll(20):
            peer, kind, began, _ = peers[fd]
            if is_ended(peer):
                ends[kind].append(time.monotonic() - began)
                poller.unregister(peer)
                peer.close()
                del peers[fd]
        for slow in peers.values():
            drip(slow)
    left = [kind for _, kind, _, _ in peers.values()]
    return {kind: {"ended": len(ends[kind]), "left": left.count(kind), "longest": max(ends[kind], default=0)} for kind in kinds}


def is_ended(peer: socket.socket) -> bool:
    """Take what the server says; whether that was all."""
    try:
        return not peer.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True


def drip(slow: list) -> None:
    """One more piece, once a second."""
    peer, kind, began, sent = slow
    if time.monotonic() - began < sent + 1:
        return
    slow[3] += 1
    text = DRIPS.get(kind)
    piece = KINDS[kind][1] if text is None else text[sent : sent + 1]
    with contextlib.suppress(OSError):  # it is cut off: the poll tells
        peer.send(piece)


class Normal:
    """A client that asks and waits for the answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.waits: list[float] = []

    def ask(self, until) -> list[float]:
        """Ask every two milliseconds until something is so; milliseconds that the answers took."""
        waits, count = [], 0
        peer = socket.create_connection(("127.0.0.1", self.port), 30)
        while not until():
            began = time.monotonic()
            if count % 50 == 49:
                peer.close()
                peer = socket.create_connection(("127.0.0.1", self.port), 30)
            peer.sendall(HEAD + b"\r\n")
            if b" 200 " not in peer.recv(4096):
                raise SystemExit("slow.py: the normal client was not answered")
            waits.append((time.monotonic() - began) * 1000)
            count += 1
            time.sleep(0.002)
        peer.close()
        return waits


def p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)]


def after(seconds: float):
    """Whether so long has passed from now on."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() > due


def one_round(server: Served, clients: int) -> tuple[float, float, dict]:
    """p99 before and while the slow clients are there, and what became of them."""
    normal = Normal(server.port)
    before = p99(normal.ask(after(LIMIT)))
    attackers = subprocess.Popen(
        ["taskset", "-c", str(CORES[-1]), sys.executable, __file__, "--attack", str(server.port), "--clients", str(clients)],
        stdout=subprocess.PIPE,
    )
    attackers.stdout.readline()
    during = p99(normal.ask(lambda: attackers.poll() is not None))
    return before, during, json.loads(attackers.stdout.read())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--attack", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(options.clients + 200, 1024), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    if options.attack:
        os.nice(19)  # in the world they would be on other machines
        print(json.dumps(attack(options.attack, options.clients)))
        return 0
    os.sched_setaffinity(0, {CORES[0]})
    rounds = []
    with Served(APP) as server:
        for _ in range(options.rounds):
            rounds.append(one_round(server, options.clients))
            before, during, ends = rounds[-1]
            print(
                f"p99 of a normal client {before:.2f} ms before, {during:.2f} ms beside {options.clients} slow ones; {told(ends)}",
                flush=True,
            )
    before, during = (statistics.median(each[i] for each in rounds) for i in (0, 1))
    left = sum(kind["left"] for _, _, ends in rounds for kind in ends.values())
    print(f"median p99 {before:.2f} and {during:.2f} ms: {during / before:.2f} times (bar 2); {left} slow clients left (bar 0)")
    return during >= 2 * before or left > 0


def told(ends: dict) -> str:
    return ", ".join(f"{kind}: {each['ended']} ended within {each['longest']:.1f} s, {each['left']} left" for kind, each in ends.items())


if __name__ == "__main__":
    sys.exit(main())

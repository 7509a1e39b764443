"""Three times as many requests as the server can answer: how many it answers, how soon the others learn that it cannot.

    python bench/overload.py [--mode inline|thread|task] [--seconds 20] [--factor 3]

The view burns 2 ms of CPU.  First 64 peers that wait for each answer show the peak; then requests come at a fixed rate, three times that, whatever
becomes of those before them (open loop), each over a connection that waits for nothing.  The first seconds are the burst that a server
may try to take (`timeouts.queue`); what counts is what comes after WARMING.  The server has one core, this process another.

Bars: answered at least nine tenths of the peak; of those refused, 99 of 100 learn it within REFUSED_WITHIN.  Ends with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from served import Served

APP = """
import time
from kolben import App
app = App("overload")

def burn():
    until = time.thread_time() + 0.002
    while time.thread_time() < until:
        pass
    return "done"

app.get("/inline", run="inline", endpoint="inline")(burn)
app.get("/thread", run="thread", endpoint="thread")(burn)

@app.get("/task")
async def task():
    return burn()
"""
WARMING = 9  # seconds
BAR = 0.9  # of the peak
REFUSED_WITHIN = 0.5  # seconds
DESCRIPTORS = 8192
CORES = sorted(os.sched_getaffinity(0))


@dataclass
class Load:
    """Peers on one port, each with a request under way or none."""

    port: int
    path: str
    poller: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    idle: list[socket.socket] = field(default_factory=list)
    asked: dict[socket.socket, float] = field(default_factory=dict)
    answers: list[tuple[float, int, float]] = field(default_factory=list)  # when, status, how long it took
    failed: int = 0

    def __post_init__(self) -> None:
        self.request = f"GET {self.path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    def ask(self) -> None:
        """Send one request, over a connection that has none."""
        peer = self.idle.pop() if self.idle else self.connect()
        if peer is None:
            self.failed += 1
            return
        self.asked[peer] = time.monotonic()
        try:
            peer.send(self.request)
        except BlockingIOError:  # not connected yet: the server's queue may be full, and who waited here would ask nobody else
            self.poller.modify(peer, selectors.EVENT_WRITE)
        except OSError:
            self.lose(peer)

    def connect(self) -> socket.socket | None:
        """One more connection, as long as there are descriptors."""
        if len(self.asked) >= DESCRIPTORS - 100:
            return None
        peer = socket.socket()
        peer.setblocking(False)
        peer.connect_ex(("127.0.0.1", self.port))
        self.poller.register(peer, selectors.EVENT_READ)
        return peer

    def take(self, seconds: float) -> None:
        """Take the answers that come within some time."""
        for key, flags in self.poller.select(seconds):
            peer = key.fileobj
            try:
                if flags & selectors.EVENT_WRITE:
                    peer.send(self.request)
                    self.poller.modify(peer, selectors.EVENT_READ)
                    continue
                said = peer.recv(4096)
            except OSError:
                said = b""
            if not said:
                self.lose(peer)
                continue
            now = time.monotonic()
            self.answers.append((now, int(said[9:12]), now - self.asked.pop(peer)))
            if b"Connection: close" in said:
                self.lose(peer)
            else:
                self.idle.append(peer)

    def lose(self, peer: socket.socket) -> None:
        """The connection ended: after its last answer, or with a request under way, which counts."""
        if self.asked.pop(peer, None) is not None:
            self.failed += 1
        elif peer in self.idle:
            self.idle.remove(peer)
        self.poller.unregister(peer)
        peer.close()


def peak(port: int, path: str, seconds: float) -> float:
    """Answers a second while 64 peers wait for theirs."""
    load = Load(port, path)
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        while len(load.asked) < 64:
            load.ask()
        load.take(0.1)
    later = [when for when, status, _ in load.answers if status == 200 and when > began + seconds / 4]
    return len(later) / (seconds * 3 / 4)


def flood(port: int, path: str, rate: float, seconds: float) -> Load:
    """Ask at a fixed rate."""
    load = Load(port, path)
    began = time.monotonic()
    count = 0
    while (now := time.monotonic()) < began + seconds:
        due = int((now - began) * rate)
        while count < due:
            load.ask()
            count += 1
        load.take(max(0, began + (count + 1) / rate - time.monotonic()))
    return load


def at(share: float, values: list[float]) -> float:
    return sorted(values)[int(len(values) * share)] * 1000 if values else float("nan")


def run(mode: str, seconds: float, factor: float) -> bool:
    with Served(APP, before=("taskset", "-c", str(CORES[0]))) as server:
        path = f"/{mode}"
        peak(server.port, path, 1)
        most = peak(server.port, path, 5)
        load = flood(server.port, path, most * factor, seconds + WARMING)
        after = max(when for when, _, _ in load.answers) - seconds
        counted = [(status, took) for when, status, took in load.answers if when > after]
    answered = [took for status, took in counted if status == 200]
    refused = [took for status, took in counted if status == 503]
    share = len(answered) / seconds / most
    others = Counter(status for status, _ in counted) - Counter({200: len(answered), 503: len(refused)})
    print(
        f"{mode}: peak {most:.0f}/s; at {factor:g} times that, {seconds:.0f} s: answered {share:.2f} of the peak (bar {BAR}),"
        f" p50 {at(0.5, answered):.0f} ms, p99 {at(0.99, answered):.0f} ms;"
        f" refused {len(refused) / seconds:.0f}/s, p50 {at(0.5, refused):.0f} ms, p99 {at(0.99, refused):.0f} ms"
        f" (bar {REFUSED_WITHIN * 1000:.0f}); other answers {dict(others)}, connections lost {load.failed}"
    )
    return share >= BAR and at(0.99, refused) <= REFUSED_WITHIN * 1000


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=("inline", "thread", "task"), action="append")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--factor", type=float, default=3)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    os.sched_setaffinity(0, {CORES[-1]})
    results = [run(mode, options.seconds, options.factor) for mode in options.mode or ("inline", "thread", "task")]
    return not all(results)


if __name__ == "__main__":
    sys.exit(main())

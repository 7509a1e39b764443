"""Mixed requests, errors and aborts, for long: resident memory and descriptors of the server must stay flat.  Loopback, bounded.

    python bench/soak.py                   5,000,000 requests
    python bench/soak.py --requests 50000

The first tenth warms up.  Then the memory (RssAnon) at a tenth is compared with that at the end: it may drift by SLACK of it, and a leak
of one object of 100 bytes for each request would be 450 MB in a full run.  Linux only.  Ends with 1 if something grew.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import socket
import sys
import time
from pathlib import Path

from served import Served

APP = """
from kolben import App, Timeouts
from kolben.flask import request, session
app = App("soak")
app.timeouts = Timeouts(first_byte=900, head=900, keep_alive=900)  # a busy machine may let the client sleep between two requests
app.secret_key = "k"

@app.get("/", run="inline")
def hello():
    return request.args.get("x", "Hello")

@app.get("/user/<int:number>")
def user(number):
    session["seen"] = number
    return {"number": number}

@app.get("/later")
async def later():
    return "later"

@app.post("/echo")
def echo():
    return request.get_data()

@app.post("/upload", stream=True)
def upload():
    return str(len(request.stream.read()))

@app.get("/lazy")
def lazy():
    return (b"x" * 1000 for _ in range(50))

@app.get("/fails")
def fails():
    raise RuntimeError("on purpose")
"""
SLACK = 0.05  # of what it was
LARGE = b"x" * 100_000


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


# (how often, bytes, how many requests that is): whole, to be answered.
WHOLE = [
    (50, get("/?x=1") * 16, 16),
    (20, get("/later") * 8, 8),
    (10, get("/user/7") * 4, 4),
    (4, post("/echo", b"abc") * 4, 4),
    (2, get("/nowhere") * 4, 4),
    (1, post("/echo", LARGE), 1),
    (1, post("/upload", LARGE), 1),
    (1, get("/lazy"), 1),
    (1, get("/fails"), 1),
]
# Ended in the middle, or not HTTP.
BROKEN = [
    post("/echo", LARGE)[:50_000],
    post("/upload", LARGE)[:50_000],
    get("/lazy"),
    get("/")[:10],
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with Served(APP) as server:
        pid, port = server.pid, server.port
        done, began, before = 0, time.monotonic(), None
        while done < options.requests:
            done += converse(port, chance)
            if before is None and done > options.requests / 10:
                before = state(pid)
        after = state(pid)
    grown = after[0] / before[0] - 1
    print(f"{done} requests in {time.monotonic() - began:.0f} s, --seed {options.seed}")
    print(
        f"memory {before[0] / 2**20:.1f} MiB after a tenth, {after[0] / 2**20:.1f} at the end, {grown:+.1%} (bar {SLACK:.0%});"
        f" descriptors {before[1]} and {after[1]}"
    )
    return grown > SLACK or after[1] > before[1]


def converse(port: int, chance: random.Random) -> int:
    """One connection: some whole requests, and now and then an end in the middle of one.  Returns how many were answered or broken off."""
    count = 0
    with socket.create_connection(("127.0.0.1", port), 30) as peer:
        for _ in range(chance.randrange(1, 12)):
            data, requests = weighted(chance)
            peer.sendall(data)
            for _ in range(requests):
                read_answer(peer)
            count += requests
        if chance.random() < 0.3:
            with contextlib.suppress(OSError):
                peer.sendall(chance.choice(BROKEN))
                if chance.random() < 0.5:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            count += 1
    return count


def weighted(chance: random.Random) -> tuple[bytes, int]:
    _, data, requests = chance.choices(WHOLE, [weight for weight, _, _ in WHOLE])[0]
    return data, requests


buffers: dict[socket.socket, bytes] = {}


def read_answer(peer: socket.socket) -> None:
    """Take one answer from what came."""
    said = buffers.pop(peer, b"")
    while b"\r\n\r\n" not in said:
        said += received(peer)
    head, _, rest = said.partition(b"\r\n\r\n")
    if b"chunked" in head:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += received(peer)
        rest = b""
    else:
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        while len(rest) < length:
            rest += received(peer)
        rest = rest[length:]
    if rest:
        buffers[peer] = rest


def received(peer: socket.socket) -> bytes:
    data = peer.recv(1 << 20)
    if not data:
        raise SystemExit("a connection ended before its requests were answered")
    return data


def state(pid: int) -> tuple[int, int]:
    """Bytes of user-space memory and how many descriptors, once what lingers has ended."""
    time.sleep(3)
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024, len(os.listdir(f"/proc/{pid}/fd"))
    raise SystemExit("no /proc here: this runs on Linux")


if __name__ == "__main__":
    sys.exit(main())

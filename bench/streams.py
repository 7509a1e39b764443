"""How much memory large bodies take: 1 GiB down and 1 GiB up, in each of the ways that an app has.  Loopback, bounded; ends with 1 beyond a bar.

    python bench/streams.py            1 GiB each
    python bench/streams.py --quick    64 MiB each

Measured is the resident memory of the server's process (VmRSS of /proc), at most meanwhile minus before.  Every byte that came is counted on
the other side.  A body that is spooled needs as much room in the folder of temporary files.  Linux only.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from pathlib import Path

from served import Served

APP = """
from kolben import App, Limits, request
app = App("streams")
app.limits = Limits(body=0)
PIECE = bytes(65536)

@app.get("/down/<int:pieces>")
def down(pieces):
    return app.response_class(PIECE for _ in range(pieces))

@app.get("/adown/<int:pieces>")
async def adown(pieces):
    async def body():
        for _ in range(pieces):
            yield PIECE
    return app.response_class(body())

@app.post("/up", stream=True)
def up():
    total = 0
    while piece := request.stream.read(65536):
        total += len(piece)
    return str(total)

@app.post("/aup", stream=True)
async def aup():
    total = 0
    async for piece in request.stream:
        total += len(piece)
    return str(total)

@app.post("/spooled")
def spooled():
    total = 0
    while piece := request.stream.read(65536):
        total += len(piece)
    return str(total)

@app.post("/aspooled")
async def aspooled():
    total = 0
    async for piece in request.stream:
        total += len(piece)
    return str(total)
"""
PIECE = 65536  # bytes
BAR = 32 * 1024 * 1024  # bytes that the process may grow by
WARM = 16  # pieces: threads, buffers and modules that any body takes are no part of it


class Peak(threading.Thread):
    """Looks at the memory of a process until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.most = self.before = resident(pid)
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.01):
            self.most = max(self.most, resident(self.pid))

    def stop(self) -> int:
        """Return by how many bytes it has grown."""
        self.is_over.set()
        self.join()
        return max(self.most, resident(self.pid)) - self.before


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    pieces = (64 if parser.parse_args().quick else 1024) * 16
    worst = 0
    with Served(APP) as server:
        for name, move in {"down": down, "adown": down, "up": up, "aup": up, "spooled": up, "aspooled": up}.items():
            move(server.port, name, WARM)
            peak = Peak(server.pid)
            peak.start()
            began = time.monotonic()
            move(server.port, name, pieces)
            took = time.monotonic() - began
            grown = peak.stop()
            worst = max(worst, grown)
            print(f"{name:9} {pieces * PIECE >> 20} MiB in {took:.1f} s: {grown / 2**20:.1f} MiB more (bar {BAR >> 20})", flush=True)
    return worst > BAR


def down(port: int, name: str, pieces: int) -> None:
    """Read a body of so many pieces, chunked, to its end."""
    expected, total = pieces * PIECE, 0
    with connect(port) as peer:
        peer.sendall(f"GET /{name}/{pieces} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        tail = b""
        while data := peer.recv(1 << 18):
            total += len(data)
            tail = (tail + data)[-5:]
    if total < expected or tail != b"0\r\n\r\n":
        raise SystemExit(f"{name}: expected {expected} bytes and an end, got {total} and {tail!r}")


def up(port: int, name: str, pieces: int) -> None:
    """Send a body of so many pieces; the answer is how many bytes came."""
    expected = pieces * PIECE
    with connect(port) as peer:
        peer.sendall(f"POST /{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {expected}\r\n\r\n".encode())
        data = bytes(PIECE)
        for _ in range(pieces):
            peer.sendall(data)
        said = b""
        while more := peer.recv(4096):
            said += more
    if not said.startswith(b"HTTP/1.1 200") or not said.endswith(b"\r\n\r\n%d" % expected):
        raise SystemExit(f"{name}: expected {expected}, got {said[-200:]!r}")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def resident(pid: int) -> int:
    """Bytes of a process that are in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no /proc here: this runs on Linux")


if __name__ == "__main__":
    sys.exit(main())

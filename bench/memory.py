"""What connections cost in memory: idle ones, and ones that ask for much and read nothing.  Loopback, bounded; ends with 1 beyond a bar.

    python bench/memory.py            10,000 idle connections, 100 that do not read
    python bench/memory.py --quick    1,000 and 20

Measured is the resident memory of the server's process (RssAnon of /proc: what user space holds), after minus before, by connection.
Linux only.  Needs two descriptors for each connection here: `ulimit -n` is raised to what is allowed.
"""

from __future__ import annotations

import argparse
import resource
import socket
import sys
import time
from pathlib import Path

from served import Served

APP = """
from kolben import App, Limits, Timeouts
app = App("memory")
app.limits = Limits(connections=0)
app.timeouts = Timeouts(keep_alive=600, write=600, first_byte=600)
PIECE = 16384

@app.get("/", run="inline")
def hello():
    return "Hello"

@app.get("/lazy")
def lazy():
    return (bytes(PIECE) for _ in range(50_000_000 // PIECE))

@app.get("/async")
async def later():
    async def pieces():
        for _ in range(50_000_000 // PIECE):
            yield bytes(PIECE)
    return app.response_class(pieces())
"""
IDLE_BAR = 1024  # bytes by idle connection
UNREAD_BAR = 128 * 1024  # bytes by connection whose peer does not read: `limits.output`, the piece above it, and a request with its thread
GET = "GET {} HTTP/1.1\r\nHost: a\r\n\r\n"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    idle, unread = (1000, 20) if options.quick else (10_000, 100)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Served(APP) as server:
        pid, port = server.pid, server.port
        failed = not measure_idle(pid, port, idle)
    for path in ("/lazy", "/async"):
        with Served(APP) as server:
            pid, port = server.pid, server.port
            failed |= not measure_unread(pid, port, path, unread)
    return failed


def measure_idle(pid: int, port: int, count: int) -> bool:
    """Connections that were answered once and wait; then each is answered again."""
    warm = [connect(port) for _ in range(200)]
    for peer in warm:
        ask(peer, "/")
        peer.close()
    time.sleep(0.5)
    before = memory(pid)
    peers = []
    for _ in range(count):
        peers.append(connect(port))
        ask(peers[-1], "/")
    time.sleep(0.5)
    each = (memory(pid) - before) / count
    for peer in peers:
        ask(peer, "/")
        peer.close()
    print(f"{count} idle connections: {each:.0f} bytes each (bar {IDLE_BAR}); all answered afterwards")
    return each <= IDLE_BAR


def measure_unread(pid: int, port: int, path: str, count: int) -> bool:
    """Peers that ask for 50 MB and read nothing: what is held for them, and whether somebody else is answered."""
    ask(connect(port), "/")
    time.sleep(0.5)
    before = memory(pid)
    peers = [connect(port, receive_buffer=4096) for _ in range(count)]
    for peer in peers:
        peer.sendall(GET.format(path).encode())
    most = 0
    for _ in range(20):
        time.sleep(0.1)
        most = max(most, memory(pid))
    each = (most - before) / count
    with connect(port) as other:
        ask(other, "/")
    for peer in peers:
        if not peer.recv(100).startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{path} was not served")
        peer.close()
    print(f"{count} peers that do not read {path}: {each / 1024:.1f} KiB each (bar {UNREAD_BAR // 1024})")
    return each <= UNREAD_BAR


def connect(port: int, receive_buffer: int | None = None) -> socket.socket:
    peer = socket.socket()
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.settimeout(30)
    peer.connect(("127.0.0.1", port))
    return peer


def ask(peer: socket.socket, path: str) -> None:
    peer.sendall(GET.format(path).encode())
    said = b""
    while not said.endswith(b"Hello"):
        piece = peer.recv(4096)
        if not piece:
            raise SystemExit("a connection ended before it was answered")
        said += piece


def memory(pid: int) -> int:
    """Bytes of user-space memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("no /proc here: this runs on Linux")


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Whether a busy server is fair, and an idle one quiet.

    make bench, or .venv/bin/python bench/fairness.py [--quick]

- An `asyncio.sleep(0.01)` ticker in the server's loop is late by less than 5 ms at its 99th percentile while wrk saturates the server.
- Half-closed and stalled connections cost no CPU.
- An idle server wakes less than once a second.

The server has core 0, the load core 1.  Needs wrk; Linux only (figures from /proc).  Exits 1 when one does not hold.
"""

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from served import Served

HERE = Path(__file__).resolve().parent
EACH = 50  # connections of each odd kind
HOST = b"Host: 127.0.0.1\r\n"
LATE_BAR, CPU_BAR, WAKE_BAR = 5.0, 0.5, 1.0  # ms; percent of a core; a second


class Server(Served):
    """`kolben run bench/fairness_app.py` on core 0."""

    def __init__(self):
        super().__init__(HERE / "fairness_app.py", before=("taskset", "-c", "0"))

    def connect(self, data=b""):
        conn = socket.socket()
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # a reader that does not read is full soon
        conn.connect(("127.0.0.1", self.port))
        conn.sendall(data)
        return conn

    def get(self, path, timeout=30):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(conn):
            conn.request("GET", path)
            return conn.getresponse().read()

    def cpu(self):
        """Seconds of all its threads, those that ended too, to the nanosecond: Linux makes a clock's number from a process's."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def wakings(self):
        """How often its threads went to sleep by themselves."""
        count = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                lines = (task / "status").read_text().splitlines()
                count += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
        return count


def verdict(text, holds):
    print(f"{'ok    ' if holds else 'MISSED'} {text}", flush=True)
    return holds


def ticker(server, path, seconds):
    """Lateness of a ticker under 64 busy connections."""
    wrk = subprocess.Popen(
        ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds + 2}s", f"http://127.0.0.1:{server.port}{path}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(1)
    before = server.cpu()
    late = sorted(json.loads(server.get(f"/ticker?seconds={seconds}", timeout=seconds + 20))["late"])
    busy = (server.cpu() - before) / seconds * 100
    said, _ = wrk.communicate()
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    rate = next((line.split()[1] for line in said.splitlines() if line.startswith("Requests/sec")), "?")
    text = f"{path}: ticker late by p50 {p50:.2f}, p99 {p99:.2f}, at most {late[-1]:.2f} ms (bar p99 {LATE_BAR}); {rate} requests/s, CPU {busy:.0f} %"
    return verdict(text, p99 < LATE_BAR and busy > 50)  # less is no saturation


ODD = {  # name: (what is sent, whether our side is then closed)
    "half-closed in a head": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A", True),
    "half-closed in a body": (b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\nabc", True),
    "half-closed while answered": (b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n", True),
    "stalled in a head": (b"GET / HTTP/1.1\r\n" + HOST + b"X-A", False),
    "stalled in a body": (b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\nabc", False),
    "not reading its answer": (b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n", False),
    "silent": (b"", False),
}


def odd(server, name, seconds):
    """CPU that connections of one odd kind cost while nothing happens on them."""
    data, half_close = ODD[name]
    conns = [server.connect(data) for _ in range(EACH)]
    try:
        if half_close:
            for conn in conns:
                conn.shutdown(socket.SHUT_WR)
        time.sleep(2.5)  # what was sent is taken in
        before = server.cpu()
        time.sleep(seconds)
        percent = (server.cpu() - before) / seconds * 100
    finally:
        for conn in conns:
            conn.close()
    return verdict(f"{EACH} connections {name}: CPU {percent:.2f} % (bar {CPU_BAR})", percent < CPU_BAR)


def idle(server, seconds):
    """Wakings of a server that was used and has nothing to do now."""
    time.sleep(3)
    before = server.wakings()
    time.sleep(seconds)
    rate = (server.wakings() - before) / seconds
    return verdict(f"idle: {rate:.2f} wakings a second (bar {WAKE_BAR})", rate < WAKE_BAR)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter bursts")
    quick = parser.parse_args().quick
    with Server() as server:
        held = [idle(server, 5 if quick else 20)]
        held += [ticker(server, path, 3 if quick else 10) for path in ("/", "/async")]
        held += [odd(server, name, 2 if quick else 4) for name in ODD]
        held += [idle(server, 5 if quick else 20)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""CPU per upload of 100 KiB: views that take the whole body, beside the same bytes read by a bare epoll loop in C.

    bench/uploads.py                 # 16 connections, 7 rounds of 1 s for each row
    bench/uploads.py --quick         # 3 rounds of 0.5 s
    bench/uploads.py --size 1048576  # which go to a temporary file: no bar

All servers stay up; a round gives each a burst in turn.  The figure is CPU time (user + system) of the server per request, divided by
that of C in the same round; shown is the median of the rounds.  Servers have core 0, the load core 1.  Needs gcc.
Exits 1 when a bar is missed.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = 16
SIZE = 100 * 1024
LIMIT = "C epoll"
ROWS = {LIMIT: "", "kolben, inline": "/inline", "kolben, async": "/async", "kolben, thread": "/thread"}
BARS = {"kolben, inline": 1.5, "kolben, async": 1.5}


class Server:
    """One process, which answers for one row or more."""

    def __init__(self, *command):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        search = os.pathsep.join((str(HERE.parent / "src"), str(HERE)))
        command = [part.format(port=self.port) for part in command]
        self.process = subprocess.Popen(["taskset", "-c", "0", *command], env={**os.environ, "PYTHONPATH": search})

    def cpu(self):
        """Nanoseconds of the process: Linux makes a clock's number from a process's."""
        return time.clock_gettime_ns(~self.process.pid << 3 | 2)

    def burst(self, c, path, size, seconds):
        """Microseconds of CPU time per request."""
        before = self.cpu()
        load = ["taskset", "-c", "1", c, "drive", str(self.port), path or "/", str(PEERS), str(size), str(seconds)]
        count = int(subprocess.run(load, check=True, capture_output=True, text=True).stdout)
        return (self.cpu() - before) / 1000 / count

    def wait_until_up(self, c):
        for _ in range(200):
            with contextlib.suppress(subprocess.CalledProcessError):
                self.burst(c, "/inline", 1, 0.1)
                return
            time.sleep(0.1)
        raise SystemExit(f"{self.process.args}: it does not answer")

    def stop(self):
        self.process.kill()
        self.process.wait()


def measure(size, rounds, seconds):
    found = {name: [] for name in ROWS}
    with contextlib.ExitStack() as stack:
        c = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "upload")
        subprocess.run(["gcc", "-O2", "-Wall", "-o", c, HERE / "peers/c/upload.c"], check=True)
        ours = Server(sys.executable, "-m", "kolben", "run", "-p", "{port}", "uploads_app:app")
        stack.callback(ours.stop)
        limit = Server(c, "serve", "{port}")
        stack.callback(limit.stop)
        for server in (ours, limit):
            server.wait_until_up(c)
        for _ in range(rounds):
            for name, path in ROWS.items():
                found[name].append((ours if path else limit).burst(c, path, size, seconds))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--size", type=int, default=SIZE)
    options = parser.parse_args()
    found = measure(options.size, 3 if options.quick else 7, 0.5 if options.quick else 1.0)
    missed = 0
    for name, mine in found.items():
        ratio = statistics.median(own / c for own, c in zip(mine, found[LIMIT], strict=True))
        print(f"{name:16} {statistics.median(mine):7.2f} us {ratio:6.2f} of C", end="")
        if name in BARS and options.size == SIZE:
            missed += ratio > BARS[name]
            print(f": {'missed' if ratio > BARS[name] else 'held'} (bar {BARS[name]:.2f})", end="")
        print()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

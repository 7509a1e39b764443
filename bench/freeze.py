"""How long others wait while one view blocks: `python bench/freeze.py [--quick]`.

Four peers ask for a short view every two milliseconds; each line says how long their answers took while something went on that must not
concern them.  `noise` is how late this process itself woke up meanwhile: what the machine takes is not the server's.
"""

import argparse
import contextlib
import http.client
import sys
import threading
import time
from pathlib import Path

from served import Served

HERE = Path(__file__).parent
BAR = 30  # milliseconds
PAUSE = 0.002


class Server(Served):
    """`kolben run` with the app beside this file."""

    def __init__(self):
        super().__init__(HERE / "freeze_app.py")

    def peer(self):
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30))

    def get(self, path):
        with self.peer() as peer:
            peer.request("GET", path)
            return peer.getresponse().read().decode()


class Others:
    """Peers that go on asking for /ok, and note how long each answer took."""

    def __init__(self, server, count=4):
        self.server, self.waits, self.noise = server, [], []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(count)] + [threading.Thread(target=self.tick)]

    def ask(self):
        with self.server.peer() as peer:
            while not self.stop.is_set():
                began = time.monotonic()
                peer.request("GET", "/ok")
                answer = peer.getresponse()
                assert answer.read() == b"ok", answer.status
                self.waits.append((time.monotonic() - began) * 1000)
                time.sleep(PAUSE)

    def tick(self):
        while not self.stop.is_set():
            began = time.monotonic()
            time.sleep(PAUSE)
            self.noise.append((time.monotonic() - began - PAUSE) * 1000)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.waits.sort()
        self.noise.sort()

    def verdict(self, text, part):
        """Whether the bar holds for the slowest (part 1) or the 99th of a hundred (part 0.99)."""
        p50, p99, most = (self.waits[min(len(self.waits) - 1, int(len(self.waits) * each))] for each in (0.5, 0.99, 1))
        holds = (most if part == 1 else p99) < BAR
        counted = "longest" if part == 1 else "p99"
        print(
            f"{'ok    ' if holds else 'MISSED'} {text}: others waited p50 {p50:.2f}, p99 {p99:.2f}, longest {most:.1f} ms of {len(self.waits)}"
            f" (bar: {counted} under {BAR}); noise p99 {self.noise[int(len(self.noise) * 0.99)]:.2f}, longest {self.noise[-1]:.1f} ms",
            flush=True,
        )
        return holds


def earn(server, calls):
    """Call /view and /ok one after the other until they run inline, and then often enough to be trusted."""
    with server.peer() as peer:
        for number in range(calls):
            peer.request("GET", "/view" if number % 2 else "/ok")
            peer.getresponse().read()
    print(f"       /view: {server.get('/figures/view').strip()}", flush=True)


def blocking(server, how, calls):
    """A view that has always been short sleeps, or burns, for five seconds."""
    earn(server, calls)
    server.get(f"/mood/{how}")
    with Others(server) as others:
        time.sleep(0.3)
        late = server.get("/view")
        time.sleep(0.3)
    assert late == "done"
    return others.verdict(f"{how}s 5 s inline", 1)


def burning(server):
    """Four threads of the pool have work for the processor."""
    threads = [threading.Thread(target=server.get, args=("/burn?seconds=5",)) for _ in range(4)]
    with Others(server) as others:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return others.verdict("four views burn the processor", 0.99)


def streaming(server):
    """Forty peers hold a stream open."""
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            peer = stack.enter_context(server.peer())
            peer.request("GET", "/stream")
            assert peer.getresponse().read(1) == b"a"
        with Others(server) as others:
            time.sleep(2)
    return others.verdict("forty streams are held open", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 calls before a view blocks, not 20,000")
    calls = 2 * (2_000 if parser.parse_args().quick else 20_000)
    with Server() as server:
        try:
            held = [blocking(server, "sleep", calls), blocking(server, "burn", calls), burning(server), streaming(server)]
        finally:
            log = server.log.read_text()
            print("       the server's log:", *[line for line in log.splitlines() if "block" in line], sep="\n         ")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

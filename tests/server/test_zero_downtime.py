"""Reloads, kills and a broken release under a steady load: nobody is refused, and no answer is lost but those a killed worker held.

The short play is part of the quick suite.  `make zero-downtime` runs the whole one and prints what it saw.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.waiting import until

APP = """
import os
from kolben import App
app = App(__name__)
@app.get("/", run="inline")
def index():
    return f"{os.getpid()} RELEASE"
"""
PATIENCE = 60  # seconds for one reload on a machine that is busy with other things
PAUSE = 0.004  # seconds between two requests of one client
NEAR = 1.0  # seconds around a kill in which a connection that has not had an answer may be one that the killed worker held


@dataclass
class Seen:
    """What the clients saw."""

    answers: Counter = field(default_factory=Counter)  # by release
    connections: int = 0
    refused: list = field(default_factory=list)
    lost: list = field(default_factory=list)  # (when, pid of the worker if it is known)
    killed: dict = field(default_factory=dict)  # pid: when

    def is_excused(self, when, pid):
        return pid in self.killed or (pid is None and any(abs(when - kill) < NEAR for kill in self.killed.values()))

    def unexcused(self):
        return [lost for lost in self.lost if not self.is_excused(*lost)]

    def __str__(self):
        return (
            f"{self.answers.total()} answers of {len(self.answers)} releases over {self.connections} connections: "
            f"{len(self.refused)} refused, {len(self.lost)} lost, "
            f"{len(self.unexcused())} of them not on a connection of one of the {len(self.killed)} killed workers"
        )


class Client(threading.Thread):
    """Asks again and again, over connections that it keeps or over a new one each time."""

    def __init__(self, port, seen, stop, *, keeps):
        super().__init__()
        self.port, self.seen, self.stop, self.keeps = port, seen, stop, keeps

    def run(self):
        while not self.stop.is_set():
            self.pid = None
            try:
                sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            except OSError as error:
                self.seen.refused.append(error)
                continue
            self.seen.connections += 1
            with sock, sock.makefile("rb") as lines:
                try:
                    while self.ask(sock, lines) and self.keeps and not self.stop.is_set():
                        time.sleep(PAUSE)
                except (OSError, ValueError, IndexError):
                    self.seen.lost.append((time.monotonic(), self.pid))
            time.sleep(PAUSE)

    def ask(self, sock, lines):
        """Return whether the connection may be used again."""
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n" + (b"\r\n" if self.keeps else b"Connection: close\r\n\r\n"))
        if not (status := lines.readline()).startswith(b"HTTP/1.1 200 "):
            raise ValueError(status)
        fields = dict(line.rstrip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
        pid, release = lines.read(int(fields[b"Content-Length"])).split()
        self.pid = int(pid)
        self.seen.answers[release] += 1
        return fields.get(b"Connection") != b"close"


class Server:
    """`kolben serve` in a process of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.releases = 0
        self.release()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = (folder / "log").open("w+")
        self.process = self.kolben("serve", "shop.py", "--port", str(self.port), "--workers", "2", "--ready-path", "/", "--no-access-log")

    def kolben(self, *arguments):
        source = str(Path(__file__).resolve().parents[2] / "src")
        environment = {**os.environ, "PYTHONPATH": source, "KOLBEN_PID_FILE": str(self.folder / "pid"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "kolben", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=self.log, stderr=self.log)

    def release(self, source=APP):
        self.releases += 1
        (self.folder / "shop.py").write_text(source.replace("RELEASE", str(self.releases)))

    def reload(self):
        return self.kolben("reload").wait(PATIENCE)

    def workers(self):
        """The pids of those that serve or will."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.log.close()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    if server.process.poll() is None:
        server.close()
    server.log.close()


@contextlib.contextmanager
def load(server, seen):
    stop = threading.Event()
    clients = [Client(server.port, seen, stop, keeps=keeps) for keeps in (True, True, True, False, False, False)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()


def play(server, seen, *, reloads, kills):
    """Reload, kill and release something broken; the order is mixed, the broken release comes in the middle."""
    acts = ["reload"] * (reloads - 1) + ["kill"] * kills
    random.Random(6).shuffle(acts)
    acts.insert(len(acts) // 2, "break")
    for act in [*acts, "reload"]:
        before = seen.answers.total()
        if act == "kill":
            pid = random.choice(server.workers())
            seen.killed[pid] = time.monotonic()
            os.kill(pid, signal.SIGKILL)
        elif act == "break":
            server.release("import nothing_of_that_name")
            assert server.reload() == 1
            server.release()
        else:
            server.release()
            assert server.reload() == 0
        until(lambda before=before: seen.answers.total() > before + 20, PATIENCE)


def connects(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return sock.recv(100).startswith(b"HTTP/1.1 200")
    return False


def is_alive(pid):
    """A zombie is not: nobody may be there to wait for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_leave_when_their_supervisor_was_killed(server):
    """No signal tells them."""
    until(lambda: connects(server.port), PATIENCE)
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    until(lambda: not any(map(is_alive, workers)), PATIENCE)
    assert not connects(server.port)


@pytest.mark.parametrize(
    ("reloads", "kills"), [(1, 1), pytest.param(20, 5, marks=[pytest.mark.slow, pytest.mark.timeout(900)])], ids=["short", "whole"]
)
def test_nobody_notices_reloads_kills_and_a_broken_release(server, reloads, kills, capsys):
    seen = Seen()
    until(lambda: connects(server.port), PATIENCE)
    with load(server, seen):
        play(server, seen, reloads=reloads, kills=kills)
    with capsys.disabled():
        if reloads > 1:
            print(f"\n{reloads} reloads, {kills} kills, 1 broken release: {seen}")  # noqa: T201 - the bar's figures
    assert seen.refused == []
    assert seen.unexcused() == []
    assert server.close() == 0

"""A real `kolben run` in a process of its own, for judges that speak to it through a socket."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

STARTS_WITHIN = 20  # seconds, on a busy machine
STOPS_WITHIN = 40  # seconds: the graceful deadline and a little


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(target):
    """A connection to "host:port" or "unix:path"."""
    kind, _, rest = target.partition(":")
    if kind != "unix":
        return socket.create_connection((kind, int(rest)), timeout=STARTS_WITHIN)
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(STARTS_WITHIN)
    try:
        peer.connect(rest)
    except OSError:
        peer.close()
        raise
    return peer


def wait_for(process, target, log):
    """Return when the target answers; fail with the server's own words when the process ends first."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), connect(target) as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")  # the supervisor of `kolben serve` listens before its workers are there
            if peer.recv(1):
                return
        time.sleep(0.02)
    pytest.fail(f"`kolben run` did not serve within {STARTS_WITHIN} s (exit status {process.poll()}); it said:\n{log.read_text()}")


@contextlib.contextmanager
def kolben_process(target, app, directory, *words, around=(), **variables):
    """Serve `app` at `target` with the command that users type, `run` if no other words are given; gives the process.

    `around` is a command that executes the words that follow it; `variables` are more of the environment.
    """
    log = directory / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*around, sys.executable, "-m", "kolben", *(words or ["run"]), "--bind", target, str(app)],
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(process, target, log)
        yield process
        assert process.poll() is None, f"the server ended by itself; it said:\n{log.read_text()[-4000:]}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"the server did not stop within {STOPS_WITHIN} s of SIGTERM")


@contextlib.contextmanager
def kolben_run(app, directory, *words, target=None):
    """Serve `app`; gives the target, a free port if none is given."""
    target = target or f"127.0.0.1:{free_port()}"
    with kolben_process(target, app, directory, *words):
        yield target


JUDGED_APP = Path(__file__).parent / "http1" / "apps" / "flask_app.py"


@pytest.fixture(scope="module")
def judged_server(tmp_path_factory):
    """The judge's application, as it is, behind `kolben run`."""
    with kolben_run(JUDGED_APP, tmp_path_factory.mktemp("judge")) as target:
        yield target


@pytest.fixture(scope="module", params=["tcp-1", "tcp-4", "unix-1", "unix-4"])
def judged_workers(request, tmp_path_factory):
    """The same behind `kolben serve`, with one worker and with four that are relieved now and then, over TCP and over a Unix socket."""
    kind, _, workers = request.param.partition("-")
    directory = tmp_path_factory.mktemp("judge")
    target = f"unix:{directory}/http" if kind == "unix" else None
    words = ["serve", "--workers", workers, "--max-requests", "400"]
    with kolben_run(JUDGED_APP, directory, *words, target=target) as served:
        yield served

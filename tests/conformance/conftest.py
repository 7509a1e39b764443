"""A real `kolben run` in a process of its own, for judges that speak to it through a socket."""

import contextlib
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


def wait_for(process, port, log):
    """Return when the port takes connections; fail with the server's own words when the process ends first."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    pytest.fail(f"`kolben run` did not serve within {STARTS_WITHIN} s (exit status {process.poll()}); it said:\n{log.read_text()}")


@contextlib.contextmanager
def kolben_run(app, directory):
    """Serve `app` with the command that users type; gives "127.0.0.1:port"."""
    port, log = free_port(), directory / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "kolben", "run", "--port", str(port), str(app)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(process, port, log)
        yield f"127.0.0.1:{port}"
        assert process.poll() is None, f"the server ended by itself; it said:\n{log.read_text()[-4000:]}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"the server did not stop within {STOPS_WITHIN} s of SIGTERM")


@pytest.fixture(scope="module")
def judged_server(tmp_path_factory):
    """The judge's application, as it is, behind `kolben run`."""
    app = Path(__file__).parent / "http1" / "apps" / "flask_app.py"
    with kolben_run(app, tmp_path_factory.mktemp("judge")) as target:
        yield target

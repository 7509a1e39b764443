"""The same forty requests get the same answers from our server, from other people's, and from the test client.

Servers that are not installed are left out; `make interop` installs them all.
"""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.interop.apps.forty_app import app
from tests.interop.forty import FORTY, by_client, over_socket
from tests.server.conftest import SOON

START = 60  # seconds: Django, from source, beside others
HERE = Path(__file__).parent
APP = "forty_app:app"
SERVERS = {
    "kolben": ["kolben", "run", "--port", "{port}", "apps/forty_app.py"],
    "kolben-asgi": ["kolben", "run", "--interface", "asgi", "--port", "{port}", "apps/forty_app.py"],
    "kolben-wsgi": ["kolben", "run", "--interface", "wsgi", "--port", "{port}", "apps/forty_app.py"],
    "uvicorn": ["uvicorn", "--port", "{port}", "--app-dir", "apps", APP],
    "uvicorn-asgi3": ["uvicorn", "--port", "{port}", "--app-dir", "apps", "--interface", "asgi3", "--http", "h11", APP],
    "hypercorn": ["hypercorn", "-b", "127.0.0.1:{port}", f"{APP}.asgi"],
    "granian": ["granian", "--port", "{port}", "--interface", "asgi", f"{APP}.asgi"],
    "gunicorn": ["gunicorn", "-b", "127.0.0.1:{port}", "--pythonpath", "apps", APP],
}
QUICK = {"kolben", "uvicorn", "hypercorn", "gunicorn"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(name, command=None):
    """The address of a server that serves the app in a process of its own."""
    command, port = command or SERVERS[name], free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE / "apps"), *filter(None, sys.path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", *(word.format(port=port) for word in command)],
        cwd=HERE,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None, f"{name} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{name} does not listen"
            time.sleep(0.02)
        yield "127.0.0.1", port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(SOON)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(name):
    with running(name) as address:
        return {str(asked) + str(number): over_socket(address, asked) for number, asked in enumerate(FORTY)}


@pytest.fixture(scope="module")
def ours():
    """What our own server says."""
    return answers("kolben")


def test_there_are_forty():
    assert len(FORTY) == 40


def test_our_server_says_what_the_test_client_says(ours):
    assert {str(asked) + str(number): by_client(app, asked) for number, asked in enumerate(FORTY)} == ours


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SERVERS if name != "kolben"]
)
def test_another_server_says_what_ours_says(name, ours):
    module = name.partition("-")[0]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    assert answers(name) == ours

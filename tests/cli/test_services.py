"""`kolben serve` and services: the supervisor holds their sockets, workers have them, a reload refuses nobody."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent.parent / "src"
SOON = 30

APP = """
from kolben import App
app = App(__name__)
{more}
@app.tcp("127.0.0.1:{port}")
async def greet(stream):
    await stream.send(b"{release}")
    await stream.recv()
"""


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def release(tmp_path, port):
    """release("1") writes the application."""

    def write(number, more=""):
        (tmp_path / "application.py").write_text(textwrap.dedent(APP).format(port=port, release=number, more=more))

    write("1")
    return write


@pytest.fixture
def server(tmp_path, release):
    command = [sys.executable, "-m", "kolben", "serve", "--port", "0", "--workers", "1", "--graceful", "5", "application.py"]
    # A release of the same second and size would be taken from the bytecode of the one before.
    environment = os.environ | {"PYTHONPATH": str(SRC), "PWD": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=log)
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait(SOON) == 0


def wait_for(folder, pattern):
    deadline = time.monotonic() + SOON
    while not re.search(pattern, text := (folder / "log").read_text()):
        assert time.monotonic() < deadline, text[-2000:]
        time.sleep(0.01)
    return text


def greeting(port):
    with socket.create_connection(("127.0.0.1", port), SOON) as connection:
        return connection.recv(100)


def test_a_reload_refuses_nobody_and_cuts_nobody(tmp_path, server, release, port):
    """Who is connected stays with the old worker; who comes meanwhile is served by one or the other."""
    text = wait_for(tmp_path, "Generation 1 serves")
    assert f"greet on tcp://127.0.0.1:{port}" in text
    with socket.create_connection(("127.0.0.1", port), SOON) as old:
        assert old.recv(100) == b"1"
        release("2")
        server.send_signal(signal.SIGHUP)
        while "Generation 2 serves" not in (tmp_path / "log").read_text():
            assert greeting(port) in {b"1", b"2"}
        deadline = time.monotonic() + 10
        while greeting(port) != b"2":  # it takes the old worker a moment to accept no more
            assert time.monotonic() < deadline
        old.sendall(b"thanks")
        assert old.recv(100) == b""


def test_a_release_whose_address_is_taken_does_not_serve_and_the_old_one_does(tmp_path, server, release, port):
    wait_for(tmp_path, "Generation 1 serves")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        release("2", f"app.tcp('127.0.0.1:{taken.getsockname()[1]}', name='unlucky')(lambda stream: None)")
        server.send_signal(signal.SIGHUP)
        text = wait_for(tmp_path, "Generation 2 is refused")
    assert "unlucky: cannot listen on" in text
    assert greeting(port) == b"1"

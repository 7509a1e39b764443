"""Accepting: in batches, within limits, and without a spin when the system has nothing left."""

import os
import resource
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from kolben.net import listen_all, parse_address

from .conftest import View


def hello(_):
    return "hello"


def test_two_hundred_connections_at_once_are_all_served(serve):
    running = serve({"/": View(hello)})

    def connect_many():
        peers = [running.connect() for _ in range(100)]
        for peer in peers:
            peer.get("/")
        return peers

    for peer in running.call(connect_many):
        assert peer.answer().body == b"hello"


def test_more_connections_than_the_limit_wait_in_the_kernel(serve, clock, caplog):
    running = serve({"/": View(hello)}, limits={"connections": 2}, clock=clock)
    first, second = running.connect(), running.connect()
    running.settle()
    third = running.connect()
    third.get("/")
    running.settle()
    assert running.engine.accepted == 2
    assert "limits.connections is reached" in caplog.text
    first.close()
    second.close()
    running.settle()
    running.later(1)
    assert third.answer().body == b"hello"


@pytest.mark.parametrize("exempt", [(), {"127.0.0.1"}], ids=["a stranger", "a proxy of ours"])
def test_one_address_has_no_more_connections_than_the_limit_unless_it_is_exempt(serve, caplog, exempt):
    running = serve({"/": View(hello)}, limits={"connections_per_address": 2})
    running.engine.exempt = exempt
    first, second, third = running.connect(), running.connect(), running.connect()
    for peer in (first, second):
        peer.get("/")
        assert peer.answer().status == 200
    if exempt:
        third.get("/")
        assert third.answer().status == 200
        return
    refused = third.answer()
    assert (refused.status, refused.headers["retry-after"], refused.headers["connection"]) == (503, "10", "close")
    assert third.is_ended()
    assert "127.0.0.1 has 2 connections open" in caplog.text


def test_a_closed_connection_makes_room_for_another_of_its_address(serve):
    running = serve({"/": View(hello)}, limits={"connections_per_address": 1})
    running.engine.exempt = ()
    for _ in range(3):
        assert running.get("/").status == 200
        running.settle()


class Scripted:
    """Scores that say what they are told to."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def may_accept(self, connections):
        return self.answers.pop(0) if self.answers else True


def test_a_worker_above_the_average_leaves_who_waits_to_others_for_a_moment(serve, clock):
    """And takes them after that, for the others may be too busy."""
    running = serve({"/": View(hello)}, clock=clock)
    (acceptor,) = running.server.acceptors
    acceptor.scores = Scripted(False, False)
    peer = running.connect()
    peer.get("/")
    running.settle()
    assert running.engine.accepted == 0
    running.later(1)
    assert peer.answer().body == b"hello"


def test_a_listener_that_is_left_can_be_served_by_others(serve):
    running = serve({"/": View(hello)})
    (acceptor,) = running.server.acceptors
    (listener,) = running.server.listeners
    with socket.socket(fileno=os.dup(listener.fileno())) as shared:
        running.call(acceptor.leave)
        running.connect()
        shared.setblocking(True)
        shared.accept()[0].close()
    assert running.engine.accepted == 0


def test_a_listener_that_rests_can_be_stopped(serve, clock):
    running = serve({"/": View(hello)}, limits={"connections": 1}, clock=clock)
    running.connect()
    running.settle()
    running.connect()
    running.settle()
    running.stop()


def test_a_unix_socket_is_served_and_its_peers_have_no_address(tmp_path, serve):
    path = tmp_path / "s"
    seen = []

    def view(request):
        seen.append((request.remote_addr, request.server))
        return "hello"

    running = serve({"/": View(view)}, listeners=[*listen_all(parse_address("127.0.0.1:0")), *listen_all(parse_address(f"unix:{path}"))])
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := peer.recv(65536):
            answer += data
    assert answer.endswith(b"hello")
    assert seen == [(None, (str(path), None))]
    assert running.get("/").body == b"hello"
    assert seen[1][0] == "127.0.0.1"


PROGRAM = """
import resource, sys
sys.path.insert(0, {root!r})
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from tests.server.conftest import View, Views
from kolben.server import run_app

class App:
    handler = Views({{"/": View(lambda _: "hello")}})

run_app(App, binds=["127.0.0.1:{port}"])
"""


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_server_without_descriptors_rests_and_comes_back():
    """`ulimit -n 64`, 100 clients: no spin; when they leave, the next one is served."""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).parents[2]
    program = textwrap.dedent(PROGRAM).format(root=str(root), port=port)
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            process.stderr.readline()
            process.stderr.readline()
            kept = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
            for peer in kept:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b"hello" in peer.recv(65536)
            peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
            assert "no descriptor" in process.stderr.readline()
            before = cpu_of(process.pid)
            assert [peer.recv(1) for peer in kept] == [b""] * 50  # who waits between two requests makes room
            for peer in kept:
                peer.close()
            time.sleep(0.3)  # the thing itself: what it costs to be out of descriptors
            assert cpu_of(process.pid) - before < 0.1
            for peer in peers:
                peer.close()
            with socket.create_connection(("127.0.0.1", port), 3) as peer:
                peer.settimeout(3)
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b"hello" in peer.recv(65536)
        finally:
            process.terminate()
            process.communicate()

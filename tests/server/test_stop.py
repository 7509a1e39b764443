"""Stopping: what is idle ends at once, what runs is finished within the deadline, and nothing is held past it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from tests.waiting import until

from kolben.http import Response

from .conftest import SOON, THREAD, View


def hello(_):
    return "hello"


class Waiting:
    """A view that waits for `go`, and says when it began."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def call(self, _):
        self.begun.set()
        assert self.go.wait(SOON)
        return "finished"

    async def task(self, _):
        self.begun.set()
        await asyncio.to_thread(self.go.wait, SOON)
        return "finished"

    def lazy(self, _):
        def pieces():
            yield "fin"
            self.begun.set()
            assert self.go.wait(SOON)
            yield "ished"

        return Response(pieces())

    def view(self, way):
        return {"thread": View(self.call, mode=THREAD), "task": View(self.task), "lazy": View(self.lazy, mode=THREAD)}[way]


@pytest.mark.parametrize("way", ["thread", "task", "lazy"])
def test_what_runs_is_finished_and_is_the_last(serve, way):
    waiting = Waiting()
    running = serve({"/": waiting.view(way)}, timeouts={"graceful": 30})
    peer = running.connect()
    peer.get("/")
    assert waiting.begun.wait(SOON)
    running.server.stop()
    running.settle()
    waiting.go.set()
    answer = peer.answer()
    assert answer.body == b"finished"
    if way != "lazy":  # its head was sent before
        assert answer.headers["connection"] == "close"
    assert peer.is_ended()
    peer.close()
    running.thread.join(SOON)
    assert not running.thread.is_alive()


@pytest.mark.parametrize("way", ["thread", "task", "lazy"])
def test_what_does_not_finish_is_cut_at_the_deadline(serve, way, caplog):
    waiting = Waiting()
    running = serve({"/": waiting.view(way)}, timeouts={"graceful": 0.1})
    peer = running.connect()
    peer.get("/")
    assert waiting.begun.wait(SOON)
    running.stop()
    assert "Stopped with 1 request" in caplog.text
    with pytest.raises((ConnectionResetError, AssertionError)):
        peer.answer()
    waiting.go.set()


def test_idle_connections_end_at_once_and_new_ones_are_refused(serve):
    running = serve({"/": View(hello)}, timeouts={"graceful": 30})
    idle, silent, begun = running.connect(), running.connect(), running.connect()
    idle.get("/")
    idle.answer()
    begun.send(b"GET / HT")
    running.settle()
    running.stop()
    assert idle.is_ended()
    assert silent.is_ended()
    assert begun.is_ended()
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_requests_that_came_before_the_stop_are_answered(serve):
    """Also if the server had not looked at them yet."""
    running = serve({"/": View(hello)})
    idle, new = running.connect(), running.connect()
    idle.get("/")
    idle.answer()

    def send_and_stop():
        idle.get("/")
        new.get("/")
        running.server._begin_to_stop(None)

    running.settle()
    running.call(send_and_stop)
    for peer in (idle, new):
        answer = peer.answer()
        assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
        assert peer.is_ended()
        peer.close()


def test_an_answer_that_is_still_being_taken_is_finished(serve):
    running = serve({"/": View(lambda _: b"x" * 6_000_000)}, timeouts={"graceful": 30})
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    running.settle()
    running.server.stop()
    running.settle()
    peer.widen()
    assert len(peer.answer().body) == 6_000_000
    assert peer.is_ended()


def test_a_stop_under_load_cuts_no_answer(serve):
    """Every answer that began is whole; what is not answered was not begun."""
    running = serve({"/": View(hello, mode=THREAD), "/inline": View(hello)}, timeouts={"graceful": 30})
    answers, errors = [], []

    def load():
        try:
            while True:
                peer = running.connect()
                peer.send(b"GET /inline HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                for _ in range(2):
                    if not peer.buffer and not (data := peer.socket.recv(65536)):
                        break
                    peer.buffer = peer.buffer or data
                    answers.append(peer.answer().body)
                peer.close()
        except (ConnectionRefusedError, ConnectionResetError):
            pass
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) >= 50)
    running.stop()
    for thread in threads:
        thread.join(SOON)
    assert errors == []
    assert set(answers) == {b"hello"}


def test_stop_may_be_asked_before_the_start_and_more_than_once(serve):
    running = serve({"/": View(hello)})
    running.server.stop()
    running.server.stop()
    running.stop()
    running.server.stop()


def test_what_a_thread_finishes_after_the_end_is_closed(serve):
    waiting, closed = Waiting(), threading.Event()

    def view(request):
        response = Response(waiting.call(request))
        response.call_on_close(closed.set)
        return response

    running = serve({"/": View(view, mode=THREAD)}, timeouts={"graceful": 0})
    peer = running.connect()
    peer.get("/")
    assert waiting.begun.wait(SOON)
    running.stop()
    waiting.go.set()
    assert closed.wait(SOON)


def test_a_lazy_body_that_a_thread_makes_after_the_end_is_closed(serve):
    waiting, closed = Waiting(), threading.Event()

    def view(request):
        waiting.call(request)
        response = Response(iter(["a"]))
        response.call_on_close(closed.set)
        return response

    running = serve({"/": View(view, mode=THREAD)}, timeouts={"graceful": 0})
    peer = running.connect()
    peer.get("/")
    assert waiting.begun.wait(SOON)
    running.stop()
    waiting.go.set()
    assert closed.wait(SOON)


def test_requests_that_wait_for_a_thread_are_dropped_at_the_deadline(serve):
    waiting, second = Waiting(), threading.Event()

    def late(_):
        second.set()
        return ""

    running = serve({"/": waiting.view("thread"), "/late": View(late, mode=THREAD)}, limits={"threads": 1}, timeouts={"graceful": 0})
    first, other = running.connect(), running.connect()
    first.get("/")
    assert waiting.begun.wait(SOON)
    other.get("/late")
    running.settle()
    running.stop()
    waiting.go.set()
    assert other.is_ended()
    assert not second.is_set()


# ---------------------------------------------------------------- signals, in a process of its own

PROGRAM = """
import sys, threading, time
sys.path.insert(0, {tests!r})
from tests.server.conftest import View, Views, INLINE, THREAD
from kolben.base import Timeouts
from kolben.server import run_app

def endless(_):
    print("begun", flush=True)
    while True:
        pass

def short(_):
    print("begun", flush=True)
    time.sleep(0.3)
    return "finished"

class App:
    handler = Views({{
        "/inline": View(endless, mode=INLINE), "/thread": View(endless, mode=THREAD), "/short": View(short, mode=THREAD),
    }})

run_app(App, binds=["127.0.0.1:{port}"], timeouts=Timeouts(graceful={graceful}))
print("ended", flush=True)
"""


class Process:
    def __init__(self, graceful=30):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        root = Path(__file__).parents[2]
        program = textwrap.dedent(PROGRAM).format(tests=str(root), port=self.port, graceful=graceful)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(root / "src")},
            text=True,
        )
        self.banner = [self.process.stderr.readline(), self.process.stderr.readline()]

    def request(self, path):
        peer = socket.create_connection(("127.0.0.1", self.port), SOON)
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert self.process.stdout.readline() == "begun\n"
        return peer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def test_the_banner_says_where():
    with Process() as server:
        assert server.banner == [f" * Running on http://127.0.0.1:{server.port}/\n", "Press CTRL+C to quit\n"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_server_without_a_traceback(number):
    with Process() as server:
        server.process.send_signal(number)
        out, errors = server.process.communicate(timeout=SOON)
        assert (server.process.returncode, out, errors) == (0, "ended\n", "")


def test_a_signal_lets_what_runs_finish():
    with Process() as server:
        with server.request("/short") as peer:
            server.process.send_signal(signal.SIGTERM)
            assert b"finished" in peer.recv(65536, socket.MSG_WAITALL)
        assert server.process.wait(SOON) == 0


@pytest.mark.parametrize("path", ["/inline", "/thread"])
def test_a_second_signal_ends_an_endless_loop_in_a_view(path):
    with Process() as server, server.request(path):
        server.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.2)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(SOON) == 128 + signal.SIGINT


def test_an_endless_loop_in_a_thread_does_not_hold_the_process_past_the_deadline():
    with Process(graceful=0.2) as server, server.request("/thread"):
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SOON) == 0


@pytest.mark.slow
def test_an_endless_loop_in_an_inline_view_does_not_hold_the_process_long_past_the_deadline():
    with Process(graceful=0.2) as server, server.request("/inline"):
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SOON) == 1


def test_nothing_ends_a_process_that_goes_on_after_its_server():
    """The timer behind a stuck view is taken back."""
    before = threading.active_count()
    from kolben.base import Timeouts
    from kolben.server.serving import obeyed_signals

    class Stopped:
        timeouts = Timeouts(graceful=1000)
        stops = 0

        def stop(self):
            self.stops += 1

    server = Stopped()
    with obeyed_signals(server):
        signal.raise_signal(signal.SIGTERM)
        assert threading.active_count() == before + 1
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(SOON)
    assert (server.stops, threading.active_count()) == (1, before)


def test_a_server_runs_and_stops_in_a_thread_that_is_not_the_main_one():
    """`app.run()` in a thread: no signals to take there."""
    from kolben.server.serving import obeyed_signals

    kept = signal.getsignal(signal.SIGINT)
    seen = []

    def run():
        with obeyed_signals(None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(SOON)
    assert seen == [kept]

"""A program is started again when a file of it has changed; whoever connects meanwhile waits."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kolben.base import UsageError
from kolben.dev import reloader
from kolben.dev.reloader import supervise

PATIENCE = 20  # seconds, on a busy machine
SRC = Path(__file__).resolve().parents[2] / "src"

RECORDER = """
import os, socket, sys
from pathlib import Path
log = Path(sys.argv[1])
again = "KOLBEN_RELOADED" in os.environ
_, fd = os.environ["KOLBEN_RELOADER_BINDS"].split("//")
port = socket.socket(fileno=int(fd)).getsockname()[1]
with log.open("a") as out:
    print(os.environ["WERKZEUG_RUN_MAIN"], again, port > 0, file=out)
sys.exit(7 if again else 3)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Make this process look as if it were started as `python program.py log`."""
    (tmp_path / "program.py").write_text(RECORDER)
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "log")])
    return tmp_path


def test_the_same_command_line_is_run_until_it_ends_with_another_status(program):
    assert supervise(["127.0.0.1:0"]) == 7
    assert (program / "log").read_text().splitlines() == ["true False True", "true True True"]


def test_a_signal_that_ended_the_program_is_in_the_status_as_in_a_shells(program):
    (program / "program.py").write_text("import os; os.kill(os.getpid(), 9)")
    assert supervise([]) == 128 + 9


def test_handlers_of_signals_are_put_back(program):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    supervise(["127.0.0.1:0"])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_cannot_be_listened_on_is_refused_before_anything_is_run(program):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        supervise([f"127.0.0.1:{taken.getsockname()[1]}"])
    assert not (program / "log").exists()


@pytest.mark.parametrize("in_front", [True, False])
def test_control_c_is_passed_on_unless_the_terminal_gives_it_to_both(monkeypatch, in_front):
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp() if in_front else -1)
    with open(os.devnull) as stdin:
        monkeypatch.setattr(sys, "__stdin__", stdin)
        assert reloader.reaches_both() is in_front


class Program:
    """`kolben run --debug app.py`, or another command line, in a folder of its own."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        environment = {
            **os.environ,
            "PYTHONPATH": str(SRC),
            "FLASK_SKIP_DOTENV": "1",
            "WERKZEUG_DEBUG_PIN": "off",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.log = folder / "log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def text(self, port, path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def wait_for(self, port, words, path="/"):
        """Ask until the answer has the words in it."""
        deadline, answer = time.monotonic() + PATIENCE, None
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                answer = self.text(port, path)
                if words in answer:
                    return answer
            threading.Event().wait(0.05)
        raise AssertionError(f"{words!r} never came, but {answer!r}; the log:\n{self.log.read_text()}")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path):
    programs = []

    def start(*arguments):
        programs.append(Program(tmp_path, *arguments))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.wait()


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return chosen.getsockname()[1]


APP = """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return WORD


@app.get("/fail")
def fail():
    raise LookupError("of the view")
"""


def write(path, text):
    """Write a file at once, and newer than it was by more than any clock's step."""
    spare = path.with_suffix(".new")
    spare.write_text(text)
    if path.exists():
        os.utime(spare, (path.stat().st_mtime + 2,) * 2)
    spare.replace(path)


def test_kolben_run_debug_shows_errors_and_serves_what_was_written_last(tmp_path, start, port):
    """Also when it cannot be imported meanwhile, and nobody is refused between two processes."""
    app = tmp_path / "app.py"
    write(app, "WORD = 'one'\n" + APP)
    program = start("-m", "kolben", "run", "--debug", "--port", str(port), "app.py")
    program.wait_for(port, "one")
    assert "LookupError: of the view" in program.text(port, "/fail")
    write(app, "def (")
    program.wait_for(port, "SyntaxError")
    write(app, "WORD = 'two'\n" + APP)
    while (answer := program.text(port)) != "two":  # never refused: the socket stays
        assert "SyntaxError" in answer
    assert program.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        program.text(port)


def test_a_script_whose_app_runs_in_debug_mode_is_run_again(tmp_path, start, port):
    app = tmp_path / "hello.py"
    script = APP + f"\n\nif __name__ == '__main__':\n    app.run(port={port}, debug=True)\n"
    write(app, "WORD = 'one'\n" + script)
    program = start("-m", "kolben", "hello.py")
    program.wait_for(port, "one")
    write(app, "WORD = 'two'\n" + script)
    program.wait_for(port, "two")
    assert program.stop(signal.SIGINT) == 0


def test_an_app_that_cannot_be_imported_at_the_start_is_refused(tmp_path, start, port):
    (tmp_path / "app.py").write_text("def (")
    program = start("-m", "kolben", "run", "--debug", "--port", str(port), "app.py")
    assert program.process.wait(PATIENCE) == 1
    assert "SyntaxError" in program.log.read_text()


def test_what_serves_in_production_never_loads_this_room():
    modules = "kolben.cli.serve, kolben.cli.worker, kolben.flask, sys"
    code = f"import {modules}; sys.exit(not {{'kolben.dev', 'werkzeug.debug'}}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SRC)}, check=False).returncode == 0

"""The supervisor with real processes, whose workers are a few lines that only speak the leash's language: they start in milliseconds."""

import json
import os
import signal
import socket
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from tests.waiting import until

from kolben.net import listen, parse_address
from kolben.server.recycling import Recycling
from kolben.server.supervisor import Supervisor

from .conftest import SOON

STANDIN = """
import json, os, signal, socket, sys
facts = json.loads(os.environ["KOLBEN_WORKER"])
leash = socket.socket(fileno=facts["leash"])
folder = os.environ["FOLDER"]
def note(what):
    with open(folder + "/notes", "a") as file: file.write(f"{os.getpid()} {what}\\n")
def say(message, **more): leash.sendall(json.dumps({"message": message, **more}).encode() + b"\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
exec(open(folder + "/release").read())
note("ready")
say("ready", graceful=1)
for line in leash.makefile("r"):
    message = json.loads(line)["message"]
    note(message)
    if message in ("drain", "end"): sys.exit(0)
note("orphaned")
"""


class Running:
    """A supervisor in the main thread's place, driven a turn at a time by `until`."""

    def __init__(self, folder, release="", **options):
        self.folder = folder
        self.release(release)
        environment = {"FOLDER": str(folder), "PATH": os.environ["PATH"]}
        self.listener = listen(parse_address("127.0.0.1:0"))
        command = [sys.executable, "-I", "-S", "-c", STANDIN]
        self.supervisor = Supervisor(command=command, listeners=[self.listener], size=2, environment=environment, **options)

    def release(self, source):
        (self.folder / "release").write_text(textwrap.dedent(source))

    def notes(self):
        path = self.folder / "notes"
        return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self, what):
        return [int(pid) for pid, noted in self.notes() if noted == what]


@pytest.fixture
def run(tmp_path):
    """Run a supervisor in this (the main) thread, while `play(running)` acts in another; returns the exit status."""

    def run(play, **options):
        running = Running(tmp_path, **options)
        failures = []

        def act():
            try:
                play(running)
            except BaseException as error:
                failures.append(error)
            terminate()

        actor = threading.Thread(target=act)
        actor.start()
        try:
            status = running.supervisor.run()
        finally:
            actor.join()
        if failures:
            raise failures[0]
        return status

    before = signal.signal(signal.SIGTERM, lambda *_: None)  # one that comes late must not end the tests
    yield run
    signal.signal(signal.SIGTERM, before)


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def two_serve(running):
    return until(lambda: len(running.pids("serve")) >= 2 and running.pids("serve"))


def reload():
    os.kill(os.getpid(), signal.SIGHUP)


def test_workers_serve_until_sigterm_and_drain(run):
    seen = []

    def play(running):
        seen.append((running, two_serve(running)))

    assert run(play) == 0
    ((running, pids),) = seen
    assert sorted(running.pids("drain")) == sorted(pids)


def test_a_killed_worker_is_replaced_and_its_end_is_told(run, caplog):
    def play(running):
        first, second = two_serve(running)
        os.kill(first, signal.SIGKILL)
        assert second in until(lambda: len(running.pids("serve")) == 3 and running.pids("serve"))

    assert run(play) == 0
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "died of SIGKILL" in told


def test_a_crash_is_told_with_the_traceback_that_it_left(run, caplog):
    def play(running):
        first, _ = two_serve(running)
        running.release("os.write(facts['faults'], b'Current thread: File shop.py, line 7')\nos.abort()")
        os.kill(first, signal.SIGKILL)
        until(lambda: "shop.py, line 7" in caplog.text)

    assert run(play) == 0
    assert "died of SIGABRT" in caplog.text


def test_a_reload_drains_the_old_workers_after_the_new_ones_serve(run):
    seen = []

    def play(running):
        old = two_serve(running)
        reload()
        until(lambda: len(running.pids("drain")) == 2)
        seen.append((old, running.notes()))

    assert run(play) == 0
    ((old, notes),) = seen
    last_serve = max(index for index, (_, what) in enumerate(notes) if what == "ready")
    first_drain = min(index for index, (_, what) in enumerate(notes) if what == "drain")
    assert last_serve < first_drain
    assert {int(pid) for pid, what in notes if what == "drain"} == set(old)


def test_a_release_that_fails_is_refused_with_its_reason(run, caplog):
    def play(running):
        two_serve(running)
        running.release("say('failed', reason='no module named shop'); sys.exit(3)")
        reload()
        until(lambda: "is refused" in caplog.text)
        assert running.pids("drain") == []

    assert run(play) == 0
    assert "Generation 2 is refused, generation 1 serves on: no module named shop" in caplog.text


def test_a_first_release_that_fails_ends_everything_with_a_failure(tmp_path, caplog):
    running = Running(tmp_path)
    running.release("say('failed', reason='no module named shop'); sys.exit(3)")
    assert running.supervisor.run() == 1
    assert "Nothing is served: no module named shop" in caplog.text


def test_a_second_signal_ends_workers_that_do_not_end(run):
    stubborn = """
        say("ready", graceful=60)
        for line in leash.makefile("r"):
            note("serve" if "serve" in line else "told")
    """
    seen = []

    def play(running):
        pids = two_serve(running)
        terminate()
        until(lambda: set(pids) <= set(running.pids("told")))
        seen.extend(pids)

    assert run(play, release=stubborn) == 128 + signal.SIGTERM
    for pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_parents_death_ends_the_leash(tmp_path):
    """No signal tells it: the end of the stream does, also after kill -9."""
    from kolben.server.leash import leash_pair

    ours, theirs = leash_pair()
    ours.say("serve")
    ours.close()
    with theirs, theirs.makefile("r") as lines:
        assert [json.loads(line) for line in lines] == [{"message": "serve"}]


def test_an_old_worker_is_relieved_after_its_successor_serves(run):
    scores = """
        import mmap, time
        table, row = memoryview(mmap.mmap(facts["scores"], 256 * 128)).cast("q"), facts["row"] * 16
        table[row], table[row + 3], table[row + 5] = 1, 1000, time.monotonic_ns() // 1000000
    """

    def play(running):
        until(lambda: running.pids("drain"))
        whats = [what for _, what in running.notes()]
        assert whats[: whats.index("drain")].count("ready") == 3

    assert run(play, release=scores, recycling=Recycling(requests=500)) == 0


def test_the_listening_socket_outlives_every_worker(run):
    """Who connects while nobody accepts waits in the kernel's queue: it is the supervisor's socket."""

    def play(running):
        for pid in two_serve(running):
            os.kill(pid, signal.SIGKILL)
        with socket.create_connection((running.listener.address.host, running.listener.address.port), timeout=SOON):
            pass

    assert run(play) == 0


def test_a_link_to_the_present_release_is_followed_anew(tmp_path, monkeypatch):
    from kolben.server.supervisor import working_folder

    (tmp_path / "one").mkdir()
    (tmp_path / "current").symlink_to("one")
    monkeypatch.chdir(tmp_path / "one")
    assert working_folder({"PWD": str(tmp_path / "current")}) == str(tmp_path / "current")
    assert working_folder({"PWD": str(tmp_path)}) == working_folder({}) == str(Path.cwd())


def test_sigusr1_opens_the_logs_again_here_and_in_every_worker(run):
    opened = []

    def play(running):
        pids = two_serve(running)
        os.kill(os.getpid(), signal.SIGUSR1)
        until(lambda: sorted(running.pids("reopen")) == sorted(pids))

    assert run(play, reopen_logs=lambda: opened.append(True)) == 0
    assert opened == [True]


def test_sigusr2_asks_every_worker_for_its_figures(run):
    def play(running):
        pids = two_serve(running)
        os.kill(os.getpid(), signal.SIGUSR2)
        until(lambda: sorted(running.pids("figures")) == sorted(pids))

    assert run(play) == 0

"""`kolben serve` and `kolben reload`: what reaches the supervisor, without a process started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.standins import Typed

import kolben.cli.reload
from kolben.cli.reload import report
from kolben.server import supervisor as supervisors
from kolben.server.pidfile import PidFile

Kolben = Callable[..., Typed]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Supervisors that were to run."""
    started: list[Any] = []

    def run(supervisor: Any) -> int:
        started.append(supervisor)
        supervisor._let_go()
        return 0

    monkeypatch.setattr(supervisors.Supervisor, "run", run)
    monkeypatch.setattr("kolben.server.logs.set_up_logs", lambda **_: None)
    monkeypatch.delenv("KOLBEN_PID_FILE", raising=False)
    return started


@pytest.mark.parametrize("words", [("serve",), ("run", "--prod")])
def test_serve_and_run_prod_are_the_same(words: tuple[str, ...], kolben_: Kolben, started: list[Any], hello: Path) -> None:
    assert kolben_(*words, "hello.py", "--port", "0", "--workers", "3", "--ready-path", "/healthz").status == 0
    (supervisor,) = started
    assert (supervisor.size, supervisor.ready_path) == (3, "/healthz")
    assert supervisor.command[-6:] == ["hello.py", "--port", "0", "--workers", "3", "--ready-path", "/healthz"][-6:]
    assert "kolben.cli.worker" in supervisor.command


def test_the_users_file_is_not_imported(kolben_: Kolben, started: list[Any], folder: Path) -> None:
    (folder / "hello.py").write_text("raise SystemExit('imported')\n")
    assert kolben_("serve", "hello.py", "--port", "0").status == 0
    assert len(started) == 1


def test_the_processors_to_use_are_the_workers(kolben_: Kolben, started: list[Any], hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolben.server.cpus.usable_cpus", lambda: 7)
    kolben_("serve", "hello.py", "--port", "0")
    assert started[0].size == 7


def test_debug_mode_cannot_be_had(kolben_: Kolben, started: list[Any], hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no option --debug here: `kolben run` has it" in kolben_("serve", "--debug", "hello.py").err
    monkeypatch.setenv("FLASK_DEBUG", "1")
    kolben_("serve", "hello.py", "--port", "0")
    assert started[0].environment["FLASK_DEBUG"] == "0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "argument --workers/-w: expected a number from 1 to 200, got '0'"),
        (["--ready-path", "healthz"], "argument --ready-path: expected a path, got 'healthz'"),
        (["--proxy", "everybody"], "--proxy: expected addresses, networks or `unix`, got 'everybody'"),
        (["--bind", ":1", "--port", "2"], "expected --bind, or --host and --port, got both"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    options: list[str], message: str, kolben_: Kolben, started: list[Any], hello: Path
) -> None:
    typed = kolben_("serve", "hello.py", *options)
    assert (typed.status, started) == (2, [])
    assert typed.err.startswith(f"kolben: {message}")


def test_a_reload_tells_what_came_of_it(kolben_: Kolben, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = PidFile(tmp_path / "pid")
    sent: list[tuple[int, int]] = []

    def kill(pid: int, number: int) -> None:
        sent.append((pid, number))
        pid_file.note(generation=2, refused=None)

    monkeypatch.setattr(kolben.cli.reload.os, "kill", kill)
    typed = kolben_("reload", "--pid-file", str(tmp_path / "pid"))
    pid_file.close()
    assert (typed.status, typed.out, sent) == (0, "generation 2 serves\n", [(os.getpid(), signal.SIGHUP)])


def test_a_refused_release_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"generation": 1, "refused": "no module named shop"}) == 1
    assert "the new release is refused, generation 1 serves on: no module named shop" in capsys.readouterr().err


def test_a_reload_needs_to_know_the_server(kolben_: Kolben, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KOLBEN_PID_FILE", raising=False)
    assert "expected --pid-file or KOLBEN_PID_FILE, got neither" in kolben_("reload").err
    assert "cannot read the pid file" in kolben_("reload", "--pid-file", str(tmp_path / "none")).err

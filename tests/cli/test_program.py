"""`kolben` itself: help, version, and what is said to a command that does not exist."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import Typed

from kolben import __version__
from kolben.cli.program import COMMANDS
from kolben.cli.terminal import wants_colour

Kolben = Callable[..., Typed]


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_every_command(arguments: list[str], kolben_: Kolben) -> None:
    typed = kolben_(*arguments)
    assert typed.status == 0
    assert all(f"  {name} " in typed.out for name in COMMANDS)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in {"flask", "reload"}])
def test_help_of_a_command_explains_target_and_options(command: str, kolben_: Kolben, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        kolben_(command, "--help")
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: kolben {command} ")
    assert "TARGET is a file" in out
    assert "--no-flask" in out


def test_version_is_the_packages(kolben_: Kolben) -> None:
    assert kolben_("--version").out.startswith(f"Kolben {__version__}\nPython 3.")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rum", "there is no command 'rum'. Did you mean run?\n  Do: choose one of run, serve, reload, check, routes, flask"),
        ("xyz", "there is no command 'xyz'\n  Do: choose one of run, serve, reload, check, routes, flask"),
        ("--versoin", "there is no option --versoin. Did you mean --version?\n  Do: `kolben --help` lists the commands"),
        ("hello.py", "expected a command, got 'hello.py'\n  Do: `kolben run hello.py` serves it"),
        ("shop:app", "expected a command, got 'shop:app'\n  Do: `kolben run shop:app` serves it"),
    ],
)
def test_a_command_that_does_not_exist_is_refused_with_what_to_type(word: str, message: str, kolben_: Kolben) -> None:
    typed = kolben_(word)
    assert (typed.status, typed.out, typed.err) == (2, "", f"kolben: {message}\n")


def test_windows_is_sent_to_wsl(kolben_: Kolben, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    typed = kolben_("run", "hello.py")
    assert (typed.status, typed.served) == (2, [])
    assert "WSL" in typed.err


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_whose_owner_wants_them(
    variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(Terminal()) is expected


def test_output_that_is_no_terminal_has_no_colours(kolben_: Kolben) -> None:
    assert "\x1b" not in kolben_("--help").out + kolben_("nosuch").err


def test_the_road_to_the_first_answer_imports_no_click_and_no_asyncio() -> None:
    """What is not used is not waited for."""
    code = "import sys, kolben.cli.run, kolben.cli.finder; sys.exit(bool({'click', 'asyncio', 'dotenv'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-S", "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0

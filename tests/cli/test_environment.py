"""`.env` and `.flaskenv`: who wins, and what happens when they cannot be read."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import Typed

from kolben.cli.environment import is_set, load_files

Kolben = Callable[..., Typed]
Write = Callable[..., Path]


def test_env_wins_over_flaskenv_and_the_environment_over_both(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dotenv")
    for name in ("KOLBEN_A", "KOLBEN_B", "KOLBEN_C"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    write(".flaskenv", "KOLBEN_A=flaskenv", "KOLBEN_B=flaskenv", "KOLBEN_C=flaskenv")
    write(".env", "KOLBEN_B=env", "KOLBEN_C=env")
    monkeypatch.setenv("KOLBEN_C", "shell")
    load_files()
    assert [os.environ[f"KOLBEN_{letter}"] for letter in "ABC"] == ["flaskenv", "env", "shell"]


def test_a_file_above_names_app_and_port(kolben_: Kolben, hello: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dotenv")
    (folder / ".flaskenv").write_text("FLASK_APP=../hello.py\nFLASK_RUN_PORT=7000\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert kolben_("run").served[0]["binds"] == ["127.0.0.1:7000"]


def test_files_stay_unread_when_asked_so(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(".env", "FLASK_APP=never")
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    load_files()
    assert "FLASK_APP" not in os.environ


def test_a_file_that_cannot_be_read_without_python_dotenv_is_told(
    kolben_: Kolben, hello: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(".env", "FLASK_APP=never")
    monkeypatch.setitem(sys.modules, "dotenv", None)
    typed = kolben_("run", "hello.py")
    assert typed.err == "kolben: .env not read, because python-dotenv is not installed\n  Do: pip install python-dotenv\n"
    assert typed.served


def test_a_file_that_is_no_text_is_refused(kolben_: Kolben, hello: Path, folder: Path) -> None:
    pytest.importorskip("dotenv")
    (folder / ".env").write_bytes(b"A=\xff\xfe")
    typed = kolben_("run", "hello.py")
    assert (typed.status, typed.served) == (2, [])
    assert typed.err.startswith(f"kolben: cannot read {folder / '.env'}: ")


@pytest.mark.parametrize(("value", "expected"), [("", False), ("0", False), ("False", False), ("no", False), ("1", True), ("on", True)])
def test_a_variable_says_no_as_in_flask(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert is_set("FLASK_DEBUG") is expected

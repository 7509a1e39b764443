"""A folder to type commands in, with a stand-in for the app, the doors and the server: the rooms below have tests of their own."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.cli.standins import FakeApp, Typed

import kolben.app
import kolben.flask
import kolben.server
from kolben.cli import main

VARIABLES = ("FLASK_APP", "FLASK_DEBUG", "FLASK_RUN_FROM_CLI", "FLASK_RUN_HOST", "FLASK_RUN_PORT", "FLASK_SKIP_DOTENV", "NO_COLOR")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty folder to stand in; what is imported, set or put on sys.path from it is gone after the test."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that the test's end takes back what a command has set
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    before = dict(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - set(before):
        if lies_in(sys.modules[name], tmp_path):
            del sys.modules[name]
    sys.modules["__main__"] = before["__main__"]


def lies_in(module: ModuleType, folder: Path) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(place and os.path.realpath(place).startswith(os.path.realpath(folder)) for place in places)


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    def write(name: str, *lines: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stand-ins for the rooms below; returns what was given to the server."""
    served: list[dict[str, Any]] = []
    door = ModuleType("flask")
    door.Flask = FakeApp
    monkeypatch.delitem(sys.modules, "flask", raising=False)
    monkeypatch.setattr(kolben.app, "App", FakeApp, raising=False)
    monkeypatch.setattr(kolben.flask, "install", lambda: monkeypatch.setitem(sys.modules, "flask", door), raising=False)
    monkeypatch.setattr(kolben.server, "run_app", lambda app, **options: served.append({"app": app, **options}), raising=False)
    return served


@pytest.fixture
def kolben_(folder: Path, house: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> Callable[..., Typed]:
    """Type `kolben ARGUMENTS`."""

    def type_command(*arguments: str, program: Callable[[list[str]], int] = main) -> Typed:
        house.clear()
        capsys.readouterr()
        status = program(list(arguments))
        return Typed(status, *capsys.readouterr(), served=list(house))

    return type_command


@pytest.fixture
def hello(write: Callable[..., Path]) -> Path:
    return write(
        "hello.py",
        "from flask import Flask",
        "app = Flask(__name__)",
        "@app.route('/')",
        "def index(): return 'Hello World!'",
        "if __name__ == '__main__':",
        "    raise SystemExit('the __main__ part ran')",
    )

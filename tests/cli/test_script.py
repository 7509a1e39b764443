"""`python -m kolben FILE`: the file as a script, with the doors open."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.standins import Typed

from kolben.cli.program import main_of_module

Write = Callable[..., Path]


@pytest.fixture
def python_m(kolben_: Callable[..., Typed]) -> Callable[..., Typed]:
    return lambda *arguments: kolben_(*arguments, program=main_of_module)


def test_the_file_is_main_with_its_arguments_and_its_folder(python_m: Callable[..., Typed], write: Write) -> None:
    path = write(
        "site/hello.py",
        "import sys, beside, __main__",
        "from flask import Flask",
        "print(__name__, __file__, sys.argv, sys.path[0], Flask.__name__, beside.__name__, __main__.Flask is Flask)",
    )
    write("site/beside.py")
    typed = python_m("site/hello.py", "--port", "1")
    assert typed.out == f"__main__ site/hello.py ['site/hello.py', '--port', '1'] {path.parent} FakeApp beside True\n"
    assert typed.status == 0


def test_an_uncaught_error_begins_with_the_users_frame(python_m: Callable[..., Typed], write: Write) -> None:
    write("hello.py", "1 / 0")
    typed = python_m("hello.py")
    assert typed.status == 1
    assert typed.err.startswith('Traceback (most recent call last):\n  File "hello.py", line 1, in <module>\n    1 / 0\n')


def test_a_syntax_error_is_shown_as_python_shows_it(python_m: Callable[..., Typed], write: Write) -> None:
    write("hello.py", "app = = 5")
    typed = python_m("hello.py")
    assert typed.status == 1
    assert typed.err.startswith('  File "hello.py", line 1\n    app = = 5\n')


def test_the_scripts_own_exit_is_its_exit(python_m: Callable[..., Typed], write: Write) -> None:
    write("hello.py", "raise SystemExit(7)")
    with pytest.raises(SystemExit) as end:
        python_m("hello.py")
    assert end.value.code == 7


def test_a_refusal_of_the_server_is_one_message(python_m: Callable[..., Typed], write: Write) -> None:
    write("hello.py", "from kolben.base import UsageError", "raise UsageError('port 5000 is in use')")
    typed = python_m("hello.py")
    assert (typed.status, typed.err) == (2, "kolben: port 5000 is in use\n")


def test_a_missing_script_is_told_with_similar_names(python_m: Callable[..., Typed], write: Write, folder: Path) -> None:
    write("hello.py")
    typed = python_m("helo.py")
    assert (typed.status, typed.err) == (2, f"kolben: there is no file helo.py in {folder}. Did you mean hello.py?\n")


def test_commands_are_the_same_as_those_of_kolben(python_m: Callable[..., Typed], hello: Path) -> None:
    assert python_m("run", "hello.py").served[0]["app"].import_name == "hello"
    assert python_m("--version").out.startswith("Kolben ")
    assert "Did you mean run?" in python_m("rum").err


def test_without_doors_a_script_gets_the_flask_that_is_installed(python_m: Callable[..., Typed], write: Write) -> None:
    write("hello.py", "import sys", "print('flask' in sys.modules)")
    assert python_m("--no-flask", "hello.py").out == "False\n"


def test_python_m_kolben_is_a_program(write: Write, folder: Path) -> None:
    write("hello.py", "import sys", "print(__name__, sys.argv)")
    done = subprocess.run(
        [sys.executable, "-m", "kolben", "--no-flask", "hello.py", "word"],
        env={"PYTHONPATH": ":".join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "__main__ ['hello.py', 'word']\n", "")

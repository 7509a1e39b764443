"""What README and the other pages say to type is there to be typed, and what they show is what the files hold."""

import contextlib
import dataclasses
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from kolben.base import Limits, Timeouts
from kolben.cli import run, serve
from kolben.cli.options import SWITCH

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(page for pattern in ("*.md", "docs/*.md", "bench/*.md", "changes.d/README.md") for page in ROOT.glob(pattern))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|", re.MULTILINE)  # of a table whose first cells are names: name and second cell
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
serves = pytest.mark.skipif(find_spec("kolben.__main__") is None, reason="this checkout has no `kolben run` yet")


def blocks(page, language):
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def commands(page):
    """Each line after a `$` prompt, as its words, with comments and settings of the environment gone."""
    lines = (line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ "))
    words = (shlex.split(line, comments=True) for line in lines)
    return [[word for i, word in enumerate(line) if i or "=" not in word] for line in words]


def targets():
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def flags(options):
    """Every spelling of a command's options that a person may type."""
    named = {flag for spellings in options for flag in spellings if flag.startswith("--")}
    return named | {f"--no-{flag[2:]}" for spellings, settings in options.items() for flag in spellings if settings.get("action") is SWITCH}


ALL_COMMANDS = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize(("page", "command"), ALL_COMMANDS, ids=lambda value: value.name if isinstance(value, Path) else " ".join(value))
def test_every_command_names_something_that_is_there(page, command):
    program, *arguments = command
    if not program[0].isalpha() and not program.startswith("."):  # A=b program ...: the setting was dropped
        program, *arguments = arguments
    name = Path(program).name
    if name == "make":
        assert arguments[0] in targets()
    elif name == "kolben" and arguments[0] == "flask":
        assert arguments[1] in {"adopt", "release"} or "--app" in arguments
    elif name == "kolben":
        options = import_module(f"kolben.cli.{arguments[0]}").OPTIONS
        assert {argument for argument in arguments if argument.startswith("--")} <= flags(options)
    else:
        assert name in {"python", "pytest"}
        before = {"python": "-m", "pytest": "-p"}[name]
        modules = [after for option, after in pairwise(arguments) if option == before]
        assert all(find_spec(module) for module in modules)
    for argument in arguments:
        if argument.startswith("examples/"):
            assert (ROOT / argument).is_file()


def test_the_readme_gives_the_two_commands_of_a_newcomer():
    given = [" ".join(command) for command in commands(ROOT / "README.md")]
    assert "make run" in given
    assert "make test" in given


def test_the_first_app_of_the_readme_is_the_example():
    [first] = blocks(ROOT / "README.md", "python")
    example = (ROOT / "examples" / "hello.py").read_text(encoding="utf-8")
    assert example.partition('"""\n\n')[2].partition("\n\nif __name__")[0].strip() == first.strip()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_the_python_of_every_page_runs_in_the_order_of_the_page(page, tmp_path):
    """In a process of its own, with the doors open, so that a page may import flask; its `assert`s hold."""
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    code = "import kolben.flask, runpy, sys; kolben.flask.install(); runpy.run_path(sys.argv[1], run_name='page')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, script], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


BYTES = {"request_line", "head", "body", "body_memory", "spool", "output", "lingering"}  # limits; the others are counts


def in_words(field):
    """A default as the tables write it, with its unit."""
    value = field.default
    if isinstance(value, float):
        return f"{value:g}" if field.name == "body_rate" else f"{value:g} s"
    if field.name not in BYTES:
        return f"{value:,}"
    unit, name = next((unit, name) for unit, name in [(2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")] if value % unit == 0)
    return f"{value // unit} {name}"


@pytest.mark.parametrize(("heading", "options"), [("Limits", Limits()), ("Timeouts", Timeouts())], ids=["Limits", "Timeouts"])
def test_every_limit_and_timeout_is_in_its_table_with_its_default(heading, options):
    section = (ROOT / "docs" / "server.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert ROW.findall(section) == [(field.name, in_words(field)) for field in dataclasses.fields(options)]


def test_every_option_of_kolben_run_is_in_the_table():
    assert listed_options("start.md") == [flag for spellings in run.OPTIONS for flag in spellings if flag.startswith("--")]


def test_every_option_that_kolben_serve_has_beside_those_of_run_is_in_the_table():
    further = [spellings for spellings in serve.OPTIONS if spellings not in run.OPTIONS]
    assert listed_options("production.md") == [flag for spellings in further for flag in spellings if flag.startswith("--")]


def listed_options(page):
    names = [name.split()[0] for name, _ in ROW.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))]
    return [name for name in names if name.startswith("--")]


def test_flasks_quickstart_is_kept_byte_for_byte():
    assert (ROOT / "examples" / "quickstart_flask.py").read_bytes() == (
        b"from flask import Flask\n"
        b"app = Flask(__name__)\n\n"
        b"@app.route('/')\n"
        b"def hello_world():\n"
        b"    return 'Hello World!'\n\n"
        b"if __name__ == '__main__':\n"
        b"    app.run()\n"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


def test_every_make_target_that_a_page_names_exists():
    for page in PAGES:
        named = re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
        assert set(named) <= targets(), page.name


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def served(arguments, port):
    """Run a command in an empty HOME until the port answers; afterwards Control-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kolben", *arguments],
        cwd=ROOT,
        env={**os.environ, "HOME": os.devnull},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()[0]
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read()


@serves
@pytest.mark.parametrize(
    ("example", "path", "body"),
    [("hello.py", "/", b"Hello, World!"), ("hello.py", "/user/Ada", b"User Ada"), ("quickstart_flask.py", "/", b"Hello World!")],
)
def test_kolben_run_serves_the_examples(example, path, body):
    port = free_port()
    with served(["run", "--port", str(port), f"examples/{example}"], port):
        assert get(port, path) == (200, body)


@serves
def test_kolben_routes_lists_the_rules_of_the_first_app():
    run = subprocess.run(
        [sys.executable, "-m", "kolben", "routes", "examples/hello.py"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=20
    )
    assert run.returncode == 0, run.stderr
    assert "/user/<username>" in run.stdout

"""`kolben flask`: whose `flask` an environment has, and all that `flask` takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import kolben
from kolben.base import UsageError
from kolben.cli.adoption import Place, adopt, place_of, release
from kolben.flask._install import FLASK_VERSION

SRC = Path(kolben.__file__).parents[1]


@pytest.fixture
def place(tmp_path):
    """A folder of packages, in which a neighbour lives already, and a folder of commands."""
    place = Place(tmp_path / "packages", tmp_path / "bin")
    for name in ("flask_login/__init__.py", "flask_login-1.0.dist-info/METADATA", "flaskr.py"):
        file = place.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("neighbour")
    return place


@pytest.fixture
def with_flask(place):
    """The same with a Flask, as pip leaves it."""
    for file in (place.folder / "flask/__init__.py", place.folder / "Flask-3.0.0.dist-info/METADATA", place.script):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"the original {file.name}")
    return place


def files_in(place):
    roots = (place.folder, place.scripts)
    return {path.relative_to(place.folder.parent): path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file()}


def run(place, *arguments, cwd=None):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place.folder), str(SRC)])}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environ, cwd=cwd)


@pytest.mark.parametrize("first", ["flask", "flask.app", "flask.json.provider"])
def test_import_flask_is_kolben_in_a_program_that_knows_no_doors(place, first):
    adopt(place, replace=False)
    code = f"""
import {first}, sys
import flask, flask.cli, kolben.flask
from importlib.metadata import version, distribution
assert flask is kolben.flask and flask.cli is kolben.flask.cli and flask.Flask is kolben.flask.Flask
assert version("flask") == version("Flask") == {FLASK_VERSION!r}
assert distribution("flask").metadata["Name"] == "Flask"
print(flask.Flask(__name__).test_client().get("/").status)
"""
    done = run(place, "-c", code)
    assert done.stdout == "404 NOT FOUND\n", done.stderr


def test_the_command_flask_and_python_m_flask_serve_the_apps_commands(place, tmp_path):
    adopt(place, replace=False)
    lines = ["from flask import Flask", "app = Flask(__name__)", "@app.cli.command()", "def whose(): print(type(app).__module__)"]
    (tmp_path / "app.py").write_text("\n".join(lines))
    assert place.script.read_text().startswith(f"#!{sys.executable}\n")
    assert os.access(place.script, os.X_OK)
    for command in ([str(place.script)], ["-m", "flask"]):
        done = run(place, *command, "whose", cwd=tmp_path)
        assert done.stdout == "kolben.flask.app\n", done.stderr


def test_pip_knows_what_was_adopted(place):
    """`pip uninstall flask` works by the RECORD: every file is in it."""
    adopt(place, replace=False)
    recorded = [line.split(",")[0] for line in (place.info / "RECORD").read_text().splitlines()]
    ours = {place.folder / name for name in recorded}
    assert {path.resolve() for path in ours} == {
        path for root in (place.folder / "flask", place.info, place.scripts) for path in root.rglob("*") if path.is_file()
    }
    assert (place.info / "INSTALLER").read_text() == "kolben\n"


def test_release_takes_out_exactly_what_adopt_put_in(place):
    before = files_in(place)
    adopt(place, replace=False)
    run(place, "-c", "import flask")  # which compiles it
    assert files_in(place) != before
    assert "taken out" in release(place)
    assert files_in(place) == before
    assert not (place.folder / "flask").exists()


def test_adopting_twice_changes_nothing(place):
    adopt(place, replace=False)
    once = files_in(place)
    assert "already" in adopt(place, replace=True)
    assert files_in(place) == once


def test_an_installed_flask_is_left_alone_unless_told(with_flask):
    before = files_in(with_flask)
    with pytest.raises(UsageError, match=r"Flask is installed .*Flask-3\.0\.0\.dist-info, flask, flask\n  Do: .*--replace"):
        adopt(with_flask, replace=False)
    assert files_in(with_flask) == before


def test_a_replaced_flask_comes_back(with_flask):
    before = files_in(with_flask)
    assert "set aside" in adopt(with_flask, replace=True)
    assert run(with_flask, "-c", "import flask; print(flask.Flask.__module__)").stdout == "kolben.flask.app\n"
    assert run(with_flask, "-c", "import importlib.metadata as m; print(m.version('flask'))").stdout == f"{FLASK_VERSION}\n"
    assert "is back" in release(with_flask)
    assert files_in(with_flask) == before


def test_a_failure_half_way_leaves_what_was_there(with_flask, monkeypatch):
    before = files_in(with_flask)

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left"):
        adopt(with_flask, replace=True)
    assert files_in(with_flask) == before


@pytest.mark.parametrize("change", ["changed", "added"])
def test_what_somebody_changed_since_is_not_taken_out(place, change):
    adopt(place, replace=False)
    file = place.folder / "flask" / ("__init__.py" if change == "changed" else "own.py")
    file.write_text("mine")
    before = files_in(place)
    with pytest.raises(UsageError, match=rf"{file.name} is not what"):
        release(place)
    assert files_in(place) == before


def test_there_is_nothing_to_release_where_nothing_was_adopted(with_flask):
    before = files_in(with_flask)
    with pytest.raises(UsageError, match="nothing to release"):
        release(with_flask)
    assert files_in(with_flask) == before


def test_without_kolben_the_error_says_how_to_get_rid_of_it(place):
    adopt(place, replace=False)
    code = f"import sys; sys.path[:] = [p for p in sys.path if p != {str(SRC)!r}]; import flask"
    assert "`pip uninstall flask` takes it out" in run(place, "-c", code).stderr


def test_the_systems_python_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "EXTERNALLY-MANAGED").write_text("")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match="PEP 668"):
        place_of(None)


def test_this_environment_is_meant_without_a_target():
    place = place_of(None)
    assert place.folder == Path(pytest.__file__).parents[1]
    assert place.script.parent == Path(sys.executable).parent


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["adopt", "--target", "packages"], 0, "means Kolben in"),
        (["release", "--target", "packages"], 2, "nothing to release"),
        (["adopt", "--target", "nowhere"], 2, "expected a folder of packages, got 'nowhere'"),
        (["adopt", "--replaec"], 2, "unrecognized arguments: --replaec"),
    ],
)
def test_the_command_says_what_was_done(kolben_, place, monkeypatch, arguments, status, said):
    monkeypatch.chdir(place.folder.parent)
    typed = kolben_("flask", *arguments)
    assert typed.status == status
    assert said in typed.out + typed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--app", "shop:app", "whose"], "kolben.flask.app"),
        (["--app", "shop:app", "routes"], "/static/<path:filename>"),
        (["--help"], "kolben flask adopt"),
        (["--version"], "Kolben "),
        (["-A", "shop:app", "nothing"], "No such command 'nothing'"),
    ],
)
def test_what_flask_takes_kolben_flask_takes(tmp_path, arguments, said):
    (tmp_path / "shop.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n@app.cli.command()\ndef whose(): print(type(app).__module__)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-m", "kolben", "flask", *arguments], capture_output=True, text=True, check=False, cwd=tmp_path, env=environ
    )
    assert said in done.stdout + done.stderr
    assert done.returncode == (2 if "nothing" in arguments else 0)

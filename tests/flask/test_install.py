"""install(): `import flask` means Kolben, whether or not Flask is there."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kolben

ENVIRON = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path(kolben.__file__).parents[1])}


def start(*arguments, cwd=None):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=cwd, env=ENVIRON)


def run(code, *options):
    done = start(*options, "-c", code)
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("isolated", [[], ["-S"]], ids=["as it is", "without site-packages"])
def test_flask_is_kolben_under_both_names(isolated):
    paths = f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}; " if isolated else ""
    code = f"""{paths}
import kolben.flask
kolben.flask.install(); kolben.flask.install()
import flask, flask.app, flask.json.tag, flask.sansio.scaffold
import kolben.flask.app
from flask.cli import AppGroup
assert flask is kolben.flask and flask.app is kolben.flask.app
assert flask.json.tag.__spec__.name == "kolben.flask.json.tag"
assert flask.Flask is kolben.flask.app.Flask and issubclass(flask.Flask, flask.app.App)
import sys
assert sum(type(f).__name__ == "_Finder" for f in sys.meta_path) == 1
print("same")
"""
    assert run(code, *isolated) == "same"


MODULES = [
    "app",
    "blueprints",
    "cli",
    "config",
    "ctx",
    "debughelpers",
    "globals",
    "helpers",
    "json",
    "json.provider",
    "json.tag",
    "logging",
    "sansio",
    "sansio.app",
    "sansio.blueprints",
    "sansio.scaffold",
    "sessions",
    "signals",
    "templating",
    "testing",
    "typing",
    "views",
    "wrappers",
]


SHORTHAND = ["t", "te", "ft", "F", "T", "c", "cabc", "annotations"]


def test_every_module_of_flask_is_there_with_every_public_name_it_documents():
    """Compared with an installed Flask, module by module: what it defines itself and does not mark as private."""
    pytest.importorskip("flask", reason="needs a real Flask to compare with")
    listing = f"""
import importlib, inspect, json
def own(module, name, value):
    if name.startswith(("_", "T_")) or name in {SHORTHAND!r} or inspect.ismodule(value):
        return False
    if inspect.isclass(value) or inspect.isfunction(value):
        return value.__module__ == module.__name__
    return module.__name__ in ("flask.globals", "flask.signals", "flask.typing")  # the others import such things
found = {{}}
for name in {MODULES!r}:
    module = importlib.import_module("flask." + name)
    found[name] = sorted(key for key, value in vars(module).items() if own(module, key, value))
import flask
found[""] = sorted(key for key in vars(flask) if not key.startswith("_") and key != "t")
print(json.dumps(found))
"""
    theirs = json.loads(run(listing))
    check = f"""
import kolben.flask; kolben.flask.install()
import importlib
theirs = {theirs!r}
for name, names in theirs.items():
    module = importlib.import_module(("flask." + name).rstrip("."))
    for n in names:
        if not hasattr(module, n):
            print(name, n)
"""
    assert run(check) == ""


BESIDE_THE_DOCUMENTATION = [
    "flask.Flask",
    "flask.app.Rule",
    "flask.cli.click",
    "flask.ctx._AppCtxGlobals",
    "flask.ctx.RequestContext",
    "flask.ctx.has_request_context",
    "flask.globals._cv_app",
    "flask.globals._cv_request",
    "flask.globals.app_ctx",
    "flask.globals.request_ctx",
    "flask.helpers.abort",
    "flask.helpers.url_for",
    "flask.json.jsonify",
    "flask.json.provider.DefaultJSONProvider",
    "flask.json.tag.TaggedJSONSerializer",
    "flask.sansio.app.App",
    "flask.sansio.scaffold.Scaffold",
    "flask.sansio.scaffold._endpoint_from_view_func",
    "flask.sessions.CallbackDict",
    "flask.signals.Namespace",
    "flask.templating.TemplateNotFound",
    "flask.testing.EnvironBuilder",
    "flask.typing.HeadersValue",
    "flask.typing.ResponseReturnValue",
    "flask.typing.ResponseValue",
    "flask.typing.RouteCallable",
    "flask.views.http_method_funcs",
    "flask.wrappers.RequestBase",
]


@pytest.mark.parametrize("name", BESIDE_THE_DOCUMENTATION)
def test_names_that_extensions_import_are_there(name):
    """Also those that Flask's modules only have because they use them themselves."""
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module("kolben." + module), attribute)


def test_import_flask_is_enough_for_its_submodules():
    code = f"""
import kolben.flask; kolben.flask.install()
import flask
for name in {MODULES!r}:
    module = flask
    for part in name.split("."):
        module = getattr(module, part)
print(module.__name__)
"""
    assert run(code) == "kolben.flask.wrappers"


def test_importlib_metadata_knows_a_version():
    code = """
import importlib.metadata as m, warnings
import kolben.flask; kolben.flask.install()
import flask
warnings.simplefilter("ignore")
assert m.version("flask") == m.version("Flask") == flask.__version__, flask.__version__
assert m.metadata("flask")["Name"] == "Flask"
assert [e.value for e in m.distribution("flask").entry_points] == ["flask.cli:main"]
print(m.version("flask").rpartition(".")[0])
"""
    assert run(code) == "3.1"


def test_the_version_attribute_says_that_it_will_go():
    import kolben.flask

    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert kolben.flask.__version__.startswith("3.1.")


def test_an_unknown_name_is_an_attribute_error():
    import kolben.flask

    with pytest.raises(AttributeError, match="no attribute 'Markup'"):
        _ = kolben.flask.Markup


def test_a_flask_that_came_first_is_refused_and_its_importer_is_named(tmp_path):
    pytest.importorskip("flask", reason="needs a real Flask that can come first")
    (tmp_path / "shop_settings.py").write_text("from flask import request\n")
    code = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
import shop_settings
import kolben.flask
try:
    kolben.flask.install()
except kolben.base.UsageError as error:
    print(error)
"""
    message = run(code)
    assert "must come before the first `import flask`" in message
    assert "by 'shop_settings'" in message


def test_a_module_that_is_not_there_is_not_found():
    assert "No module named 'flask.nothing'" in run("import kolben.flask; kolben.flask.install(); import flask.nothing")


def test_python_dash_m_flask_is_our_command(tmp_path):
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    code = """
import kolben.flask; kolben.flask.install()
import runpy, sys
sys.argv = ["flask", "routes"]
runpy.run_module("flask", run_name="__main__", alter_sys=True)
"""
    done = start("-c", code, cwd=tmp_path)
    assert "/static/<path:filename>" in done.stdout, done.stderr


def test_python_dash_m_kolben_flask_opens_the_doors_first(tmp_path):
    """Whether or not Flask is there: a command of the app's own is found, and it belongs to our app."""
    lines = ["from flask import Flask", "app = Flask(__name__)", "@app.cli.command()", "def whose(): print(type(app).__module__)"]
    (tmp_path / "app.py").write_text("\n".join(lines))
    done = start("-m", "kolben.flask", "whose", cwd=tmp_path)
    assert done.stdout == "kolben.flask.app\n", done.stderr


def test_the_pytest_plugin_installs_the_doors(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    import flask\n    assert 'kolben' in flask.__file__\n")
    done = start("-m", "pytest", "-q", "-p", "kolben.flask.pytest_plugin", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr

"""Flask's page "Configuration Handling"."""

import json
import tomllib
from datetime import timedelta

import pytest

from kolben.flask import Config, Flask


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)


def test_a_python_file(config, tmp_path):
    (tmp_path / "settings.py").write_text("DEBUG = True\nlower = 1\nNAME = __file__\n")
    assert config.from_pyfile("settings.py")
    assert config == {"DEBUG": True, "NAME": str(tmp_path / "settings.py")}


@pytest.mark.parametrize(("load", "text", "content"), [(json.load, True, '{"A": 1, "b": 2}'), (tomllib.load, False, "A = 1\nb = 2")])
def test_other_files(config, tmp_path, load, text, content):
    (tmp_path / "settings").write_text(content)
    assert config.from_file("settings", load, text=text)
    assert config == {"A": 1}


def test_a_file_that_is_missing(config):
    assert config.from_pyfile("missing.py", silent=True) is False
    assert config.from_file("missing.json", json.load, silent=True) is False
    with pytest.raises(FileNotFoundError, match="Unable to load configuration file"):
        config.from_pyfile("missing.py")


def test_the_environment_names_a_file(config, tmp_path, monkeypatch):
    (tmp_path / "settings.py").write_text("A = 1")
    monkeypatch.setenv("SHOP_SETTINGS", "settings.py")
    assert config.from_envvar("SHOP_SETTINGS")
    assert config["A"] == 1
    assert config.from_envvar("SHOP_NOTHING", silent=True) is False
    with pytest.raises(RuntimeError, match="'SHOP_NOTHING' is not set"):
        config.from_envvar("SHOP_NOTHING")


def test_prefixed_variables(config, monkeypatch):
    for key, value in {"A": "1", "B": "text", "C__x__y": "true", "C__z": "[1]"}.items():
        monkeypatch.setenv(f"SHOP_{key}", value)
    config["C"] = {"x": {"old": 1}}
    config.from_prefixed_env("SHOP")
    assert config == {"A": 1, "B": "text", "C": {"x": {"old": 1, "y": True}, "z": [1]}}


def test_objects_mappings_and_namespaces(config):
    class Base:
        STORE_A = 1
        hidden = 2

    class Settings(Base):
        @property
        def STORE_B(self):  # noqa: N802 - a key of a config
            return 3

    config.from_object(Settings())
    config.from_mapping({"STORE_C": 4, "no": 5}, STORE_D=6)
    config.from_mapping([("STORE_E", 7)])
    assert config.get_namespace("STORE_") == {"a": 1, "b": 3, "c": 4, "d": 6, "e": 7}
    assert config.get_namespace("STORE_", lowercase=False, trim_namespace=False)["STORE_A"] == 1
    assert repr(Config("/", {"A": 1})) == "<Config {'A': 1}>"


def test_attributes_of_the_app_stand_in_its_config(app):
    app.secret_key, app.testing, app.debug = "s", False, True
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert app.config["SECRET_KEY"] == "s"
    assert app.permanent_session_lifetime == timedelta(seconds=60)
    assert app.config["DEBUG"] is True


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("true", True), ("0", False), ("False", False), ("no", False), ("", False)])
def test_flask_debug(monkeypatch, value, debug):
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert Flask(__name__).debug is debug


def test_limits_of_forms(app, client):
    from kolben.flask import request

    app.config.update(MAX_CONTENT_LENGTH=100, MAX_FORM_PARTS=2, MAX_FORM_MEMORY_SIZE=40)

    @app.post("/")
    def index():
        if "own" in request.args:
            request.max_content_length = 5
        return str(len(request.form))

    def part(name, size):
        return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{"x" * size}\r\n'

    multipart = {"content_type": "multipart/form-data; boundary=b"}
    assert client.post("/", data={"a": "1"}).text == "1"
    assert client.post("/", data={"a": "x" * 200}).status_code == 413
    assert client.post("/?own=1", data={"a": "12345"}).status_code == 413
    app.config["MAX_CONTENT_LENGTH"] = None
    assert client.post("/", data=part("a", 50) + "--b--\r\n", **multipart).status_code == 413
    assert client.post("/", data="".join(part(n, 1) for n in "abc") + "--b--\r\n", **multipart).status_code == 413


def test_trusted_hosts(app, client):
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    app.add_url_rule("/", "index", lambda: "in")
    assert client.get("/", base_url="http://good.test").text == "in"
    assert client.get("/", base_url="http://evil.test").status_code == 400


@pytest.mark.parametrize("automatic", [True, False])
def test_automatic_options(app, client, automatic):
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = automatic
    app.add_url_rule("/", "index", lambda: "")
    assert client.options("/").status_code == (200 if automatic else 405)


def test_instance_folders(tmp_path, monkeypatch):
    (tmp_path / "shop_of_files.py").write_text("")  # a name of its own: the module stays
    monkeypatch.syspath_prepend(tmp_path)
    import shop_of_files  # noqa: F401 - importing it is the test

    app = Flask("shop_of_files", instance_relative_config=True)
    assert app.instance_path == str(tmp_path / "instance")
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "settings.py").write_text("A = 1")
    app.config.from_pyfile("settings.py")
    with app.open_instance_resource("settings.py", "r") as file:
        assert file.read() == "A = 1"
    with pytest.raises(ValueError, match="must be absolute"):
        Flask("shop", instance_path="relative")

"""The client that speaks to an app without a socket."""

import pytest
from werkzeug.test import EnvironBuilder as BaseEnvironBuilder
from werkzeug.wrappers import Request as BaseRequest

from kolben.flask import Flask, g, jsonify, redirect, request, session
from kolben.testing import EnvironBuilder, FlaskClient


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="k")

    @app.route("/", methods=["GET", "POST"])
    def index():
        g.seen = request.url
        return jsonify(url=request.url, json=request.get_json(silent=True), agent=str(request.user_agent), x=request.headers.get("X"))

    @app.route("/count")
    def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.route("/go")
    def go():
        return redirect("/count")

    return app


@pytest.fixture
def client(app):
    return app.test_client()


def test_the_url_is_that_of_the_config(app, client):
    assert client.get("/?a=1").json["url"] == "http://localhost/?a=1"
    app.config.update(SERVER_NAME="example.test:3000", APPLICATION_ROOT="/shop", PREFERRED_URL_SCHEME="https")
    assert EnvironBuilder(app, "/").get_request().url == "https://example.test:3000/shop/"
    assert EnvironBuilder(app, "/", subdomain="s", url_scheme="http").get_request().url == "http://s.example.test:3000/shop/"
    assert EnvironBuilder(app, "http://other.test/x?y=1").get_request().url == "http://other.test/shop/x?y=1"
    with pytest.raises(AssertionError, match="Cannot pass"):
        EnvironBuilder(app, "/", base_url="http://a", subdomain="b")


def test_json_goes_out_by_the_apps_provider_and_comes_in_by_it(app, client):
    app.json.default = lambda value: "odd"
    assert client.post("/", json={"a": object()}).json["json"] == {"a": "odd"}


def test_what_open_takes(app, client):
    environ = EnvironBuilder(app, "/", headers={"X": "1"}).get_environ()
    for first in (environ, BaseEnvironBuilder("/", headers={"X": "1"}), BaseRequest(environ)):
        answer = client.open(first).json
        assert answer["x"] == "1"
        assert answer["agent"].startswith("Werkzeug/")


def test_the_context_stays_inside_with(client):
    with client:
        client.get("/")
        assert g.seen == request.url == "http://localhost/"
        client.get("/?second=1")
        assert request.args["second"] == "1"
        with pytest.raises(RuntimeError, match="Cannot nest"), client:
            pass
    assert not request


def test_sessions_can_be_read_and_written(client):
    assert client.get("/count").text == "1"
    with client.session_transaction() as values:
        assert values["n"] == 1
        values["n"] = 40
    assert client.get("/count").text == "41"
    assert client.get("/go", follow_redirects=True).text == "42"


def test_session_transactions_need_cookies_and_a_key(app):
    with pytest.raises(TypeError, match="Cookies are disabled"), app.test_client(use_cookies=False).session_transaction():
        pass
    app.secret_key = None
    with pytest.raises(RuntimeError, match="did not open a session"), app.test_client().session_transaction():
        pass


def test_an_app_may_have_its_own_client(app):
    class Mine(FlaskClient):
        def __init__(self, *args, **kwargs):
            self.user = kwargs.pop("user")
            super().__init__(*args, **kwargs)

    app.test_client_class = Mine
    assert app.test_client(user="ada").user == "ada"


def test_the_client_reads_a_stream_to_its_end_when_buffered(app):
    app.add_url_rule("/s", "s", lambda: iter(["a", "b"]))
    assert app.test_client().get("/s", buffered=True).text == "ab"

"""The client's native transport: bytes through our own server, with what a WSGI client's tests rely on."""

import io
import threading
from contextvars import ContextVar
from http.client import IncompleteRead

import pytest
from werkzeug.http import parse_date
from werkzeug.test import Client

from kolben.app.globals import _cv_request
from kolben.flask import Flask, Response, g, redirect, request, session, stream_with_context
from kolben.testing.native import NativeFace


@pytest.fixture
def app():
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


@pytest.fixture
def client(app):
    client = app.test_client()
    client.transport = "native"
    return client


def test_an_answer_came_over_a_connection(app, client):
    """A Date field is the server's, and a request made from bytes says so."""
    app.add_url_rule("/", view_func=lambda: str(request.is_native))
    answer = client.get("/")
    assert (answer.status, answer.text) == ("200 OK", "True")
    assert parse_date(answer.headers["Date"])
    assert "Connection" not in answer.headers
    assert "Transfer-Encoding" not in answer.headers


@pytest.mark.parametrize("kind", ["form", "json", "stream", "large"])
def test_a_body_arrives_whole(app, client, kind):
    app.add_url_rule("/", view_func=lambda: request.form or request.get_data(), methods=["POST"])
    if kind == "form":
        assert client.post("/", data={"a": "ü", "b": "2"}).json == {"a": "ü", "b": "2"}
    elif kind == "json":
        assert client.post("/", json=[1, "ü"]).get_json(force=True) == [1, "ü"]
    elif kind == "stream":
        assert client.post("/", input_stream=io.BytesIO(b"pieces"), headers={"Transfer-Encoding": "chunked"}).data == b"pieces"
    else:
        assert client.post("/", data=b"x" * 300_000).data == b"x" * 300_000


def test_path_query_fields_and_peer_are_the_tests(app, client):
    app.add_url_rule(
        "/<path:rest>",
        view_func=lambda rest: [rest, request.args["q"], request.headers["X"], request.remote_addr, request.url],
    )
    asked = {"headers": {"X": "y"}, "environ_base": {"REMOTE_ADDR": "10.1.2.3"}, "base_url": "https://example.com:8443/"}
    answer = client.get("/ä b/100%?q=ö+x", **asked)
    assert answer.json[:4] == ["ä b/100%", "ö x", "y", "10.1.2.3"]
    assert answer.json == app.test_client().get("/ä b/100%?q=ö+x", **asked).json


def test_a_path_without_its_slash_is_understood(app, client):
    app.add_url_rule("/users", view_func=lambda: "users")
    assert client.get("users").text == "users"


def test_a_view_runs_in_the_thread_of_the_test(app, client):
    app.add_url_rule("/", view_func=lambda: str(threading.get_ident()))
    assert client.get("/").text == str(threading.get_ident())


def test_an_async_view_is_answered(app, client):
    async def view():
        return "async"

    app.add_url_rule("/", view_func=view)
    assert client.get("/").text == "async"


def test_what_the_test_has_current_is_not_current_on_the_server(app, client):
    variable = ContextVar("variable", default="unset")
    app.add_url_rule("/", view_func=lambda: f"{variable.get()} {g.get('of_the_test')}")
    with app.app_context():
        g.of_the_test = True
        variable.set("set")
        assert client.get("/").text == "unset None"


def test_cookies_come_back_and_go_again(app, client):
    def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    app.add_url_rule("/", view_func=count)
    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]


def test_a_redirect_is_followed_and_a_body_sent_again(app, client):
    app.add_url_rule("/old", view_func=lambda: redirect("/new", 307), methods=["POST"])
    app.add_url_rule("/new", "new", lambda: request.form["a"], methods=["POST"])
    assert client.post("/old", data={"a": "kept"}, follow_redirects=True).text == "kept"


def test_a_lazy_body_is_read_to_its_end(app, client):
    @stream_with_context
    def pieces():
        for n in range(500):
            yield f"{request.path}{n} " * 100

    app.add_url_rule("/", view_func=lambda: Response(pieces()))
    assert client.get("/").text == "".join(f"/{n} " * 100 for n in range(500))


def test_an_error_that_the_app_lets_through_is_raised_in_the_test(app, client):
    app.add_url_rule("/", view_func=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.get("/")
    app.testing = False
    assert client.get("/").status_code == 500


@pytest.mark.parametrize("hooks", [False, True], ids=["by a plan", "on the general path"])
def test_a_with_block_keeps_the_contexts(app, client, hooks):
    app.add_url_rule("/", view_func=lambda: setattr(g, "seen", request.args["q"]) or "")
    if hooks:
        app.dispatch_request = app.dispatch_request
    with client:
        client.get("/?q=1")
        assert (request.args["q"], g.seen) == ("1", "1")
        client.get("/?q=2")
        assert (request.args["q"], g.seen) == ("2", "2")
    assert _cv_request.get(None) is None


@pytest.mark.parametrize("native", [True, False])
def test_a_context_pushed_again_by_its_own_view_is_torn_down_once_and_at_the_end(app, client, native):
    """Flask: same.  A plan that made the context current is not undone by a pop that belongs to another push."""
    client.transport = "native" if native else "wsgi"
    told = []
    app.teardown_request(lambda error: told.append("request"))
    app.teardown_appcontext(lambda error: told.append("app"))

    def view():
        with _cv_request.get():
            pass
        assert told == []
        return "still here"

    app.add_url_rule("/", view_func=view)
    assert client.get("/").text == "still here"
    assert told == ["request", "app"]


def test_middleware_sees_what_the_test_put_into_the_environ(app, client):
    inner = app.wsgi_app
    seen = {}

    def middleware(environ, start_response):
        seen.update(environ)
        return inner(environ, start_response)

    app.wsgi_app = middleware
    app.add_url_rule("/", view_func=lambda: request.environ["of.the.test"])
    assert client.get("/", environ_base={"of.the.test": "x"}).text == "x"
    assert seen["SERVER_SOFTWARE"] == "kolben"


def test_errors_go_to_the_stream_that_the_test_gave(app, client):
    app.add_url_rule("/", view_func=lambda: print("to the stream", file=request.environ["wsgi.errors"]) or "")
    stream = io.StringIO()
    client.get("/", errors_stream=stream)
    assert "to the stream" in stream.getvalue()


def test_a_request_that_the_server_refuses_is_answered_like_any(app, client):
    """The app's limits hold; no view is called."""
    app.limits = type(app.limits)(body=10)
    app.add_url_rule("/", view_func=lambda: "called", methods=["POST"])
    assert client.post("/", data=b"x" * 11).status_code == 413


def test_nothing_is_left_behind(app, client):
    app.add_url_rule("/", view_func=lambda: "")
    client.get("/")
    before = threading.active_count()
    for _ in range(3):
        client.get("/")
    assert threading.active_count() == before


def test_any_wsgi_application_can_be_asked():
    def application(environ, start_response):
        start_response("418 I'm a teapot", [("X-Path", environ["PATH_INFO"])])
        return [b"short and stout"]

    got = Client(NativeFace(application)).get("/tea")
    assert (got.status, got.headers["X-Path"], got.text) == ("418 I'm a teapot", "/tea", "short and stout")


def test_a_broken_body_looks_broken(app, client):
    def pieces():
        yield "begun"
        raise RuntimeError("and not ended")

    app.add_url_rule("/", view_func=lambda: Response(pieces()))
    with pytest.raises(IncompleteRead):
        client.get("/")

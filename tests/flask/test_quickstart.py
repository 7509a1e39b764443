"""Flask's page "Quickstart"."""

import pytest
from markupsafe import escape
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter

from kolben.base import RegistrationError
from kolben.flask import (
    Flask,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template_string,
    request,
    session,
    url_for,
)


def test_hello_world(app, client):
    @app.route("/")
    def hello_world():
        return "<p>Hello, World!</p>"

    answer = client.get("/")
    assert answer.text == "<p>Hello, World!</p>"
    assert answer.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        ("/<x>", "/ada", "ada"),
        ("/<int:x>", "/42", 42),
        ("/<float:x>", "/1.5", 1.5),
        ("/<path:x>", "/a/b", "a/b"),
        ("/<string(length=2):x>", "/de", "de"),
        ("/<any(a,b):x>", "/b", "b"),
        ("/<uuid:x>", "/00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_variable_rules(app, client, rule, path, value):
    seen = []
    app.add_url_rule(rule, "view", lambda x: (seen.append(x), "ok")[1])
    assert client.get(path).text == "ok"
    assert str(seen[0]) == str(value)
    assert isinstance(value, str) or type(seen[0]) is type(value)


def test_a_converter_of_ones_own(app, client):
    class Listed(BaseConverter):
        def to_python(self, value):
            return value.split("+")

        def to_url(self, values):
            return "+".join(values)

    app.url_map.converters["list"] = Listed

    @app.route("/<list:names>")
    def view(names):
        return url_for("view", names=[*names, "z"])

    assert client.get("/a+b").text == "/a+b+z"


def test_trailing_slashes(app, client):
    app.add_url_rule("/projects/", "projects", lambda: "projects")
    app.add_url_rule("/about", "about", lambda: "about")
    assert client.get("/projects").location == "http://localhost/projects/"
    assert client.get("/about/").status_code == 404


def test_building_urls(app):
    app.add_url_rule("/login", "login", lambda: "")
    app.add_url_rule("/user/<username>", "profile", lambda username: "")
    with app.test_request_context():
        assert url_for("login", next="/") == "/login?next=/"
        assert url_for("profile", username="John Doe") == "/user/John%20Doe"
        assert url_for("login", _external=True, _scheme="https", _anchor="a b") == "https://localhost/login#a%20b"
        with pytest.raises(ValueError, match="'_external' must be True"):
            url_for("login", _scheme="https", _external=False)


def test_http_methods(app, client):
    @app.get("/login")
    def show():
        return "form"

    @app.post("/login")
    def do():
        return request.form["user"]

    assert client.get("/login").text == "form"
    assert client.post("/login", data={"user": "ada"}).text == "ada"
    assert client.put("/login").status_code == 405
    assert set(client.options("/login").allow) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert client.head("/login").text == ""


def test_a_shortcut_takes_no_methods(app):
    with pytest.raises(TypeError, match="Use the 'route' decorator"):
        app.get("/x", methods=["POST"])


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_the_other_shortcuts(app, client, method):
    getattr(app, method)("/x")(lambda: method)
    assert getattr(client, method)("/x").text == method


def test_a_missing_form_key_is_a_400(app, client):
    app.add_url_rule("/", "index", lambda: request.form["x"], methods=["POST"])
    assert client.post("/").status_code == 400


def test_file_uploads(app, client):
    @app.post("/upload")
    def upload():
        file = request.files["the_file"]
        return f"{file.filename} {file.read().decode()}"

    import io

    assert client.post("/upload", data={"the_file": (io.BytesIO(b"hi"), "a.txt")}).text == "a.txt hi"


def test_a_form_without_enctype_explains_itself_in_debug_mode(app, client):
    app.debug = True
    app.add_url_rule("/", "upload", lambda: request.files["f"], methods=["POST"])
    with pytest.raises(KeyError, match="multipart/form-data"):
        client.post("/", data={"f": "name.txt"})


def test_cookies(app, client):
    @app.route("/")
    def index():
        answer = make_response(request.cookies.get("username", "nobody"))
        answer.set_cookie("username", "the username")
        return answer

    assert client.get("/").text == "nobody"
    assert client.get("/").text == "the username"


def test_redirects_and_errors(app, client):
    @app.route("/")
    def index():
        return redirect(url_for("login"))

    @app.route("/login")
    def login():
        abort(401)

    @app.errorhandler(404)
    def page_not_found(error):
        return "not here", 404

    assert client.get("/").location == "/login"
    assert client.get("/login").status_code == 401
    answer = client.get("/missing")
    assert (answer.status_code, answer.text) == (404, "not here")


RETURNED = {
    "str": ("text", 200, b"text", "text/html; charset=utf-8"),
    "bytes": (b"bytes", 200, b"bytes", "text/html; charset=utf-8"),
    "dict": ({"b": 1, "a": 2}, 200, b'{"a":2,"b":1}\n', "application/json"),
    "list": ([1], 200, b"[1]\n", "application/json"),
    "iterator": (iter(["a", "b"]), 200, b"ab", "text/html; charset=utf-8"),
    "with status": (("x", 201), 201, b"x", "text/html; charset=utf-8"),
    "with text status": (("x", "418 Teapot"), 418, b"x", "text/html; charset=utf-8"),
    "with headers": (("x", {"Content-Type": "text/plain"}), 200, b"x", "text/plain"),
    "with a list of headers": (("x", [("Content-Type", "text/plain")]), 200, b"x", "text/plain"),
    "with both": (({"a": 1}, 202, {"X-A": "b"}), 202, b'{"a":1}\n', "application/json"),
    "an error": (NotFound("gone"), 404, None, "text/html; charset=utf-8"),
}


@pytest.mark.parametrize(("value", "status", "body", "content_type"), RETURNED.values(), ids=RETURNED)
def test_what_a_view_may_return(app, client, value, status, body, content_type):
    app.add_url_rule("/", "index", lambda: value)
    answer = client.get("/")
    assert (answer.status_code, answer.content_type) == (status, content_type)
    assert body is None or answer.data == body


class Forgotten:
    """What a plain view gets of an async function."""

    def __await__(self):
        yield


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "for 'index' did not return a valid response. The function either returned None"),
        ((), "valid response tuple"),
        (("a", 1, {}, 2), "valid response tuple"),
        (True, "but it was a bool.$"),
        (Forgotten(), "but it was a Forgotten. Await it, in a view that is an `async def`.$"),
        (lambda: None, "but it was a function"),
    ],
)
def test_what_a_view_may_not_return(app, client, value, message):
    app.add_url_rule("/", "index", lambda: value)
    with pytest.raises(TypeError, match=message):
        client.get("/")


def test_json(app, client):
    app.add_url_rule("/", "index", lambda: jsonify(a=1, name="é"))
    assert client.get("/").data == b'{"a":1,"name":"\\u00e9"}\n'
    app.json.ensure_ascii = False
    assert client.get("/").data == '{"a":1,"name":"é"}\n'.encode()


def test_sessions_and_escaping(app, client):
    @app.post("/login")
    def login():
        session["username"] = request.form["username"]
        return redirect(url_for("index"))

    @app.route("/")
    def index():
        return f"Logged in as {escape(session['username'])}"

    assert client.post("/login", data={"username": "<ada>"}, follow_redirects=True).text == "Logged in as &lt;ada&gt;"


def test_templates(app, client):
    app.add_url_rule("/", "index", lambda: render_template_string("{{ name }}", name="<x>"))
    assert client.get("/").text == "&lt;x&gt;"


# -- Bad registrations: one message each


def test_two_views_on_one_endpoint(app):
    app.add_url_rule("/a", "same", lambda: "")
    with pytest.raises(AssertionError, match="View function mapping is overwriting an existing endpoint function: same") as caught:
        app.add_url_rule("/b", "same", lambda: "")
    assert isinstance(caught.value, RegistrationError)


def test_a_view_that_takes_no_such_argument(app, client):
    @app.route("/<int:id>")
    def show(name):
        return name

    with pytest.raises(TypeError, match=r"view 'show' of rule '/<int:id>' needs 'name'.*takes no 'id'.*make the names") as caught:
        client.get("/1")
    assert isinstance(caught.value, RegistrationError)


def test_a_type_error_of_the_views_own_stays_what_it_is(app, client):
    @app.route("/<int:id>")
    def show(id):
        return len(id, id)

    with pytest.raises(TypeError, match="takes exactly one argument"):
        client.get("/1")


def test_methods_are_a_list(app):
    with pytest.raises(TypeError, match="must be a list of strings"):
        app.route("/", methods="POST")(lambda: "")


def test_run_is_inline_or_thread(app):
    app.add_url_rule("/a", "a", lambda: "", run="inline")
    assert app.endpoint_options["a"] == {"run": "inline"}
    with pytest.raises(RegistrationError, match="run='fast' is not known: expected 'inline' or 'thread'"):
        app.add_url_rule("/b", "b", lambda: "", run="fast")


def test_a_blueprint_passes_run_on():
    from kolben.flask import Blueprint

    app, bp = Flask(__name__), Blueprint("bp", __name__)
    bp.route("/", run="thread")(test_a_blueprint_passes_run_on)
    app.register_blueprint(bp)
    assert dict(app.endpoint_options) == {"bp.test_a_blueprint_passes_run_on": {"run": "thread"}}


def test_registering_after_the_first_request_is_refused(app, client):
    client.get("/")
    with pytest.raises(AssertionError, match="The setup method 'route' can no longer be called"):
        app.route("/late")(lambda: "")

"""Flask's pages of patterns: flashing, files, hosts and subdomains, deferred callbacks, logging."""

import io
import logging

import pytest

from kolben.flask import (
    Flask,
    after_this_request,
    flash,
    get_flashed_messages,
    message_flashed,
    redirect,
    request,
    send_file,
    send_from_directory,
    url_for,
)
from kolben.flask.logging import create_logger, default_handler, has_level_handler


def test_messages_are_shown_once(app, client):
    @app.route("/flash")
    def do_flash():
        flash("Hello")
        flash("Careful", "warning")
        return ""

    @app.route("/show")
    def show():
        return repr(
            (
                get_flashed_messages(),
                get_flashed_messages(with_categories=True),
                get_flashed_messages(category_filter=["warning"]),
            )
        )

    client.get("/flash")
    assert client.get("/show").text == "(['Hello', 'Careful'], [('message', 'Hello'), ('warning', 'Careful')], ['Careful'])"
    assert client.get("/show").text == "([], [], [])"


def test_flashing_is_signalled(app):
    seen = []

    def receive(sender, message, category):
        seen.append((message, category))

    with app.test_request_context(), message_flashed.connected_to(receive, app):
        flash("a", "b")
    assert seen == [("a", "b")]


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.txt").write_text("abcdef")
    return tmp_path


def test_sending_files(app, client, files):
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 60
    app.add_url_rule("/one", "one", lambda: send_file(files / "a.txt", as_attachment=True, download_name="b.txt"))
    app.add_url_rule("/dir/<path:name>", "dir", lambda name: send_from_directory(files, name))
    app.add_url_rule("/memory", "memory", lambda: send_file(io.BytesIO(b"mem"), "text/x", max_age=lambda name: 5))
    with client.get("/one") as answer:
        assert answer.data == b"abcdef"
        assert answer.headers["Content-Disposition"] == "attachment; filename=b.txt"
        assert answer.cache_control.max_age == 60
        etag = answer.headers["ETag"]
    with client.get("/one", headers={"If-None-Match": etag}) as answer:
        assert answer.status_code == 304
    with client.get("/dir/a.txt", headers={"Range": "bytes=1-2"}) as answer:
        assert (answer.status_code, answer.data) == (206, b"bc")
    with client.get("/memory") as answer:
        assert answer.cache_control.max_age == 5
    assert client.get("/dir/../a.txt").status_code == 404
    assert client.get("/dir/missing").status_code == 404


def test_relative_paths_are_below_the_root(files):
    app = Flask(__name__, root_path=str(files))
    with app.test_request_context():
        answer = send_file("a.txt")
        answer.direct_passthrough = False
        assert answer.data == b"abcdef"
        answer.close()


def test_static_files(files):
    app = Flask(__name__, root_path=str(files), static_folder=".", static_url_path="/s")
    with app.test_client().get("/s/a.txt") as answer:
        assert answer.text == "abcdef"
    with app.test_request_context():
        assert url_for("static", filename="a.txt") == "/s/a.txt"
    bare = Flask(__name__, static_folder=None)
    assert "static" not in bare.view_functions
    with pytest.raises(RuntimeError, match="'static_folder' must be set"):
        bare.send_static_file("a.txt")


def test_resources_are_opened_for_reading_only(app, files):
    app.root_path = str(files)
    with app.open_resource("a.txt", "r") as file:
        assert file.read() == "abcdef"
    with pytest.raises(ValueError, match="opened for reading"):
        app.open_resource("a.txt", "w")


def test_deferred_callbacks(app, client):
    @app.route("/")
    def index():
        @after_this_request
        def remember(response):
            response.set_cookie("seen", "1")
            return response

        return ""

    app.add_url_rule("/other", "other", lambda: "")
    assert "seen=1" in client.get("/").headers["Set-Cookie"]
    assert "Set-Cookie" not in client.get("/other").headers


def test_subdomains():
    app = Flask(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test:3000"
    app.add_url_rule("/", "home", lambda: "home")
    app.add_url_rule("/", "user", lambda user: user, subdomain="<user>")
    client = app.test_client()
    assert client.get("/").text == "home"
    assert client.get("/", subdomain="ada").text == "ada"
    with app.app_context():
        assert url_for("user", user="bob") == "http://bob.example.test:3000/"


def test_hosts():
    app = Flask(__name__, host_matching=True, static_folder=None)
    app.add_url_rule("/", "a", lambda: "a", host="a.test")
    app.add_url_rule("/", "b", lambda: "b", host="b.test")
    client = app.test_client()
    assert client.get("/", base_url="http://b.test").text == "b"
    with pytest.raises(AssertionError, match="static_host/host_matching"):
        Flask(__name__, host_matching=True)


def test_urls_outside_of_requests_need_a_server_name(app):
    app.add_url_rule("/", "index", lambda: "")
    with app.app_context(), pytest.raises(RuntimeError, match="without 'SERVER_NAME' configured"):
        url_for("index")
    app.config.update(SERVER_NAME="example.test", APPLICATION_ROOT="/shop", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert url_for("index") == "https://example.test/shop/"


def test_urls_that_cannot_be_built_may_be_built_elsewhere(app):
    app.url_build_error_handlers.append(lambda error, endpoint, values: f"/elsewhere/{endpoint}" if endpoint != "no" else None)
    with app.test_request_context():
        assert url_for("far") == "/elsewhere/far"
        with pytest.raises(LookupError, match="no"):
            url_for("no")


def test_an_app_may_redirect_in_its_own_way():
    class Mine(Flask):
        def redirect(self, location, code=302):
            return super().redirect(f"/to{location}", 303)

    app = Mine(__name__)
    app.add_url_rule("/", "index", lambda: redirect("/x"))
    assert app.test_client().get("/").headers["Location"] == "/to/x"
    assert redirect("/without-app", 307).status_code == 307


@pytest.fixture
def clean_logger():
    logger = logging.getLogger("shop_logging")
    yield logger
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def test_the_logger_is_named_like_the_app_and_writes_to_the_servers_stream(clean_logger):
    clean_logger.propagate = False
    app = Flask("shop_logging")
    app.debug = True
    assert app.logger is clean_logger
    assert clean_logger.level == logging.DEBUG
    assert clean_logger.handlers == [default_handler]
    errors = io.StringIO()
    with app.test_request_context(errors_stream=errors):
        app.logger.error("broken")
    assert "ERROR in test_patterns: broken" in errors.getvalue()


def test_logging_that_is_set_up_is_left_alone(clean_logger):
    handler = logging.StreamHandler()
    clean_logger.addHandler(handler)
    assert has_level_handler(clean_logger)
    assert create_logger(Flask("shop_logging")).handlers == [handler]


def test_an_app_in_a_factory_and_another_url_map(app):
    def create_app(name):
        made = Flask(name)
        made.add_url_rule("/", "index", lambda: f"{name} {request.path}")
        return made

    assert [create_app(name).test_client().get("/").text for name in ("a", "b")] == ["a /", "b /"]

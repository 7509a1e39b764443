"""The app as a WSGI callable, called by PEP 3333's own checker."""

from wsgiref.validate import validator

import pytest
from werkzeug.test import create_environ

from kolben.app import App
from kolben.flask import request, stream_with_context


@pytest.fixture
def app():
    app = App(__name__)

    @app.route("/", methods=["GET", "POST"])
    def index():
        return f"{request.method} {request.get_data(as_text=True)}"

    @app.route("/stream")
    def stream():
        return stream_with_context(part for part in ("a", request.path))

    @app.route("/fail")
    def fail():
        raise RuntimeError("no")

    return app


def call(app, path="/", **options):
    environ = create_environ(path, "http://localhost/", **options)
    started = []
    chunks = validator(app)(environ, lambda status, headers, exc_info=None: started.append((status, headers)) or print)
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    return started[0][0], dict(started[0][1]), body


def test_an_answer_keeps_to_the_standard(app):
    environ_options = {"query_string": "a=1"}
    assert call(app, **environ_options) == ("200 OK", {"Content-Type": "text/html; charset=utf-8", "Content-Length": "4"}, b"GET ")


def test_a_lazy_body_is_passed_on_lazily(app):
    status, headers, body = call(app, "/stream")
    assert (status, body) == ("200 OK", b"a/stream")
    assert "Content-Length" not in headers


def test_an_exception_is_a_500(app):
    app.logger.disabled = True
    status, _, body = call(app, "/fail")
    assert status == "500 INTERNAL SERVER ERROR"
    assert b"RuntimeError" not in body


def test_middleware_wraps_the_inner_callable(app):
    inner = app.wsgi_app

    def shout(environ, start_response):
        environ["PATH_INFO"] = "/"
        return inner(environ, start_response)

    app.wsgi_app = shout
    assert app.test_client().get("/anything").text == "GET "


def test_a_base_exception_tears_down_and_goes_on(app):
    torn = []
    app.teardown_request(torn.append)
    interrupt = KeyboardInterrupt()

    @app.route("/stop")
    def stop():
        raise interrupt

    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/stop")
    assert torn == [interrupt]
    assert not request


def test_an_error_may_be_kept_from_teardown():
    class Discreet(App):
        def should_ignore_error(self, error):
            return True

    app, torn = Discreet(__name__), []
    app.logger.disabled = True
    app.teardown_request(torn.append)
    app.add_url_rule("/", "index", lambda: 1 / 0)
    assert app.test_client().get("/").status_code == 500
    assert torn == [None]

"""In debug mode, an error is a page with a console for each frame; everything else is answered as always."""

import logging
import re

import pytest
from werkzeug.test import Client

from kolben.app import App
from kolben.app.globals import g, request
from kolben.dev.debugger import Debugged
from kolben.interop._wsgi import answer


def make_app(**config):
    app = App(__name__)
    app.config.update(DEBUG=True, **config)

    @app.before_request
    def mark():
        g.word = "kept"

    @app.get("/")
    def index():
        return f"hello {request.args.get('name')}"

    @app.get("/fail/<int:number>")
    def fail(number):
        double = number * 2
        raise ValueError(f"a message {double}")

    @app.get("/fail-async")
    async def fail_async():
        raise ValueError("of a task")

    @app.get("/console-of-mine")
    def console():
        return "mine"

    return app


def client_of(debugged):
    return Client(lambda environ, start_response: answer(debugged.handler, environ, start_response))


@pytest.fixture
def debugged(monkeypatch):
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", "123")
    return Debugged(make_app())


def command(client, page, code):
    """Type code into the console of the last frame of an error's page."""
    secret = re.search(r'SECRET = "(\w+)"', page)[1]
    frame = re.findall(r'id="frame-(\d+)"', page)[-1]
    return client.get("/", query_string={"__debugger__": "yes", "cmd": code, "frm": frame, "s": secret})


def enter_pin(client, page, pin):
    secret = re.search(r'SECRET = "(\w+)"', page)[1]
    return client.get("/", query_string={"__debugger__": "yes", "cmd": "pinauth", "pin": pin, "s": secret}).json


def test_what_does_not_fail_is_answered_as_always(debugged):
    client = client_of(debugged)
    assert client.get("/?name=ann").text == "hello ann"
    assert client.get("/missing").status_code == 404
    assert client.get("/console-of-mine").text == "mine"


@pytest.mark.parametrize(("path", "message"), [("/fail/21", "a message 42"), ("/fail-async", "of a task")])
def test_an_error_is_a_page_that_shows_it_and_a_traceback_in_the_log(debugged, path, message, capsys):
    response = client_of(debugged).get(path)
    assert (response.status_code, response.mimetype) == (500, "text/html")
    assert f"ValueError: {message}" in response.text
    assert f"ValueError: {message}" in capsys.readouterr().err


def test_the_page_begins_with_the_applications_own_frames(debugged):
    files = re.findall(r'class="filename">"([^"]+)"', client_of(debugged).get("/fail/1").text)
    assert files == [__file__]


def test_a_frames_console_needs_the_pin(debugged):
    client = client_of(debugged)
    page = client.get("/fail/21").text
    assert client_of(debugged).get("/fail/21").status_code == 500
    assert command(client, page, "double").status_code == 500 or "42" not in command(client, page, "double").text
    assert enter_pin(client, page, "999")["auth"] is False
    assert enter_pin(client, page, "123")["auth"] is True
    assert "42" in command(client, page, "double").text


def test_a_frames_console_runs_in_the_context_of_its_request(debugged):
    """As in Flask: `g`, `request` and `current_app` are those of the request that failed."""
    client = client_of(debugged)
    page = client.get("/fail/21").text
    enter_pin(client, page, "123")
    assert "/fail/21 kept" in command(client, page, "from kolben.app.globals import g, request; print(request.path, g.word)").text


def test_the_debugger_answers_this_machines_names_only(debugged):
    client = client_of(debugged)
    page = client.get("/fail/21").text
    enter_pin(client, page, "123")
    page = client.get("/fail/21", base_url="http://evil.example/").text
    assert "EVALEX = false" in page
    assert client.get("/console", base_url="http://evil.example/").status_code == 400


def test_it_may_be_asked_for_by_the_name_that_the_server_listens_on(monkeypatch):
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", "123")
    debugged = Debugged(make_app(), hosts=["dev.example", "0.0.0.0", ""])
    assert "EVALEX = true" in client_of(debugged).get("/fail/1", base_url="http://dev.example/").text
    assert debugged.debugger.trusted_hosts[-1] == "dev.example"


def test_without_evaluation_there_is_a_page_and_no_console(monkeypatch):
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", "123")
    client = client_of(Debugged(make_app(), evaluate=False))
    assert "EVALEX = false" in client.get("/fail/1").text
    assert client.get("/console").status_code == 404


def test_an_error_that_the_app_handles_is_its_own(debugged, monkeypatch):
    app = make_app()
    app.register_error_handler(ValueError, lambda error: ("handled", 400))
    assert client_of(Debugged(app)).get("/fail/1").text == "handled"


def test_any_wsgi_application_may_be_debugged(monkeypatch):
    monkeypatch.setenv("WERKZEUG_DEBUG_PIN", "123")

    def application(environ, start_response):
        raise LookupError("of somebody else")

    assert "LookupError: of somebody else" in client_of(Debugged(application)).get("/").text


def test_a_class_of_requests_that_is_exchanged_is_taken(debugged):
    app = make_app()
    client = client_of(Debugged(app))
    app.add_url_rule("/kind", "kind", lambda: type(request._get_current_object()).__name__)
    assert client.get("/kind").text == "Request"
    app.request_class = type("Own", (app.request_class,), {})
    assert client.get("/kind").text == "Own"


def test_nothing_is_logged_twice(debugged, caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        client_of(debugged).get("/fail/1")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert capsys.readouterr().err.count("Traceback") == 1

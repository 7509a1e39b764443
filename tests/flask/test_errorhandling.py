"""Flask's page "Handling Application Errors"."""

import logging

import pytest
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, InternalServerError, NotFound, default_exceptions

from kolben.flask import Blueprint, Flask, abort, got_request_exception, request


class Insufficient(HTTPException):
    code = 507
    description = "Not enough storage space."


class Parent(Exception):
    pass


class Child(Parent):
    pass


@pytest.fixture
def quiet(app):
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    return app


def raising(error):
    def view():
        raise error

    return view


def test_a_handler_is_found_by_class_or_status(app, client):
    app.register_error_handler(400, lambda e: ("bad", 400))
    app.errorhandler(Insufficient)(lambda e: ("full", 507))
    app.add_url_rule("/bad", "bad", raising(BadRequest()))
    app.add_url_rule("/full", "full", raising(Insufficient()))
    assert client.get("/bad").text == "bad"
    assert client.get("/full").text == "full"


def test_the_nearest_class_answers(app, client):
    app.register_error_handler(Parent, lambda e: "parent")
    app.add_url_rule("/", "index", raising(Child()))
    assert client.get("/").text == "parent"
    app._got_first_request = False
    app.register_error_handler(Child, lambda e: "child")
    assert client.get("/").text == "child"


def test_a_status_goes_before_the_general_class(app, client):
    app.register_error_handler(HTTPException, lambda e: ("any", e.code))
    app.register_error_handler(403, lambda e: ("forbidden", 403))
    app.add_url_rule("/403", "a", raising(Forbidden()))
    assert client.get("/403").text == "forbidden"
    assert client.get("/404").text == "any"


def test_a_blueprints_handler_goes_before_the_apps_but_not_for_unmatched_urls(app, client):
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    bp.register_error_handler(404, lambda e: ("of the blueprint", 404))
    bp.add_url_rule("/", "index", raising(NotFound()))
    app.register_error_handler(404, lambda e: ("of the app", 404))
    app.register_blueprint(bp)
    assert client.get("/bp/").text == "of the blueprint"
    assert client.get("/bp/missing").text == "of the app"


def test_an_unhandled_error_is_a_logged_500(quiet, caplog):
    quiet.add_url_rule("/fail", "fail", raising(ValueError("no")))
    seen = []
    with got_request_exception.connected_to(lambda sender, exception: seen.append(exception), quiet), caplog.at_level(logging.ERROR):
        answer = quiet.test_client().get("/fail")
    assert answer.status_code == 500
    assert caplog.records[-1].getMessage() == "Exception on /fail [GET]"
    assert caplog.records[-1].exc_info[1] is seen[0]


def test_the_handler_of_500_gets_an_internal_server_error_with_the_original(quiet):
    original = ValueError("no")
    got = []
    quiet.register_error_handler(500, lambda e: (got.append(e), ("sorry", 500))[1])
    quiet.logger.disabled = True
    quiet.add_url_rule("/", "index", raising(original))
    try:
        assert quiet.test_client().get("/").text == "sorry"
    finally:
        quiet.logger.disabled = False
    assert isinstance(got[0], InternalServerError)
    assert got[0].original_exception is original


def test_an_error_in_after_request_while_answering_an_error_is_logged(quiet, caplog):
    @quiet.after_request
    def fail(response):
        raise RuntimeError("after")

    quiet.add_url_rule("/", "index", lambda: "")
    assert quiet.test_client().get("/").status_code == 500
    assert "Request finalizing failed" in caplog.text


@pytest.mark.parametrize("key", ["TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS"])
def test_an_unhandled_error_is_raised_where_a_developer_looks(key):
    app = Flask(__name__)
    app.config[key] = True
    app.add_url_rule("/", "index", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/")


def test_http_errors_can_be_trapped(app, client):
    app.add_url_rule("/", "index", raising(Forbidden()))
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    with pytest.raises(Forbidden):
        client.get("/")


@pytest.mark.parametrize(("debug", "trap", "raised"), [(False, None, False), (True, None, True), (True, False, False), (False, True, True)])
def test_bad_requests_are_trapped_in_debug_mode(app, client, debug, trap, raised):
    app.debug, app.config["TRAP_BAD_REQUEST_ERRORS"] = debug, trap
    app.add_url_rule("/", "index", lambda: request.form["missing"])
    if raised:
        with pytest.raises(KeyError, match="missing"):
            client.get("/")
    else:
        assert client.get("/").status_code == 400


def test_what_can_not_be_handled(app):
    with pytest.raises(ValueError, match="'999' is not a recognized HTTP error code"):
        app.register_error_handler(999, print)
    with pytest.raises(TypeError, match=r"KeyError\(\) is an instance, not a class"):
        app.register_error_handler(KeyError(), print)
    with pytest.raises(ValueError, match="'str' is not a subclass of Exception"):
        app.register_error_handler(str, print)


def test_an_aborter_of_ones_own(client):
    class Mine(Flask):
        def make_aborter(self):
            aborter = super().make_aborter()
            aborter.mapping[507] = Insufficient
            return aborter

    app = Mine(__name__)
    app.add_url_rule("/", "index", lambda: abort(507))
    assert 507 not in default_exceptions
    assert app.test_client().get("/").status_code == 507


def test_abort_works_without_an_app():
    with pytest.raises(NotFound):
        abort(404)


def test_a_form_that_would_be_lost_in_a_redirect_is_an_error_in_debug_mode(app, client, monkeypatch):
    from werkzeug.routing import RequestRedirect

    app.debug = True
    app.add_url_rule("/form/", "form", lambda: "", methods=["POST"])
    assert client.post("/form").status_code == 308
    monkeypatch.setattr(RequestRedirect, "code", 301)
    with pytest.raises(AssertionError, match="canonical URL 'http://localhost/form/'"):
        client.post("/form")


def test_json_that_cannot_be_read(app, client):
    app.add_url_rule("/", "index", lambda: [request.get_json()], methods=["POST"])
    send = {"data": "{", "content_type": "application/json"}
    assert "Failed to decode" not in client.post("/", **send).text
    app.debug, app.testing = True, False
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False
    assert "Failed to decode" in client.post("/", **send).text

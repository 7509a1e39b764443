"""docs/flask.md, "What differs" and "What is more": each row as it says, over our own server."""

import pytest

from kolben.flask import request, session
from kolben.flask.globals import app_ctx, request_ctx
from kolben.flask.sessions import SecureCookieSessionInterface
from kolben.testing.native import ObservedHandler, exchange, read_response


def environ_of(client, **given):
    """What a client would send, to be changed."""
    return client._request_from_builder_args((), given).environ


@pytest.fixture
def ask(app):
    """Ask with anything in the place of a method or a field; the status and the text."""

    def ask(changes=(), **given):
        environ = environ_of(app.test_client(), **given) | dict(changes)
        received = exchange(ObservedHandler(app.handler, environ), environ, app.limits)
        status, _, body = read_response(received, environ["REQUEST_METHOD"])
        return status[:3], body.decode()

    return ask


def test_a_method_is_as_it_came(app, ask):
    app.add_url_rule("/", view_func=lambda: request.method, methods=["GET"])
    assert ask()[0] == "200"
    assert ask({"REQUEST_METHOD": "get"}) == ("200", "get")


def test_a_proxy_field_is_not_in_the_environ(app, ask):
    app.add_url_rule("/", view_func=lambda: str("HTTP_PROXY" in request.environ))
    assert ask({"HTTP_PROXY": "http://evil.example"}) == ("200", "False")


def test_several_cookie_lines_are_joined_as_cookies(app):
    app.add_url_rule("/", view_func=lambda: dict(request.cookies))
    head = b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n"
    asked = type(app).request_class.from_bytes(head)
    assert asked.environ["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize("host", ["a b", "a\x8a", "[::1"])
def test_a_host_that_can_be_no_name_is_answered_with_400(app, ask, host):
    app.add_url_rule("/", view_func=lambda: "")
    assert ask({"HTTP_HOST": host})[0] == "400"


def test_a_field_with_an_underscore_passes_for_no_other(app):
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX_Real_Ip: 1.2.3.4\r\n\r\n"
    assert "HTTP_X_REAL_IP" not in app.request_class.from_bytes(head).environ


@pytest.mark.parametrize("custom", [False, True], ids=["signed cookie", "custom interface"])
def test_the_session_is_opened_when_it_is_used_unless_the_interface_is_somebodys_own(app, ask, custom):
    opened = []

    def open_session(self, app, request):
        opened.append(request.path)
        return SecureCookieSessionInterface.open_session(self, app, request)

    if custom:
        app.session_interface = type("Own", (SecureCookieSessionInterface,), {"open_session": open_session})()
    app.add_url_rule("/unused", "unused", lambda: "")
    app.add_url_rule("/used", "used", lambda: str(session.get("n")))
    assert ask(path="/unused") == ("200", "")
    assert opened == (["/unused"] if custom else [])
    assert ask(path="/used") == ("200", "None")


def test_one_object_is_both_contexts(app, ask):
    app.add_url_rule("/", view_func=lambda: str(app_ctx._get_current_object() is request_ctx._get_current_object()))
    assert ask() == ("200", "True")


def test_async_views_share_one_loop_and_need_no_package(app, ask):
    async def view():
        return "async"

    app.add_url_rule("/", view_func=view)
    assert ask() == ("200", "async")


def test_a_view_that_does_not_fit_its_rule_is_answered_with_both(app, caplog):
    app.add_url_rule("/<int:number>", "show", lambda name: name)
    app.testing = False
    assert app.test_client().get("/1").status_code == 500
    assert "number" in caplog.text
    assert "name" in caplog.text

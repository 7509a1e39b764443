"""A lazy body sees its request until it ends; teardown waits for it, and comes once."""

import gc

import pytest

from kolben.app import App
from kolben.base import RegistrationError
from kolben.flask import g, request, session, stream_template_string, stream_with_context
from kolben.http import Request


@pytest.fixture
def app():
    app = App(__name__)
    app.config.update(TESTING=True, SECRET_KEY="k")
    app.order = []
    app.teardown_request(lambda error: app.order.append(("request", error)))
    app.teardown_appcontext(lambda error: app.order.append(("app", error)))
    return app


def test_each_chunk_sees_the_request(app):
    @app.route("/")
    def view():
        g.x = 7

        def chunks():
            yield request.args["a"]
            yield str(g.x)
            yield session.get("s", "none")

        return stream_with_context(chunks())

    assert app.test_client().get("/?a=1").text == "17none"


def test_teardown_comes_once_and_after_the_last_chunk(app):
    @app.route("/")
    def view():
        def chunks():
            app.order.append("first")
            yield "a"
            app.order.append("last")

        return stream_with_context(chunks)()

    app.test_client().get("/", buffered=True)
    assert app.order == ["first", "last", ("request", None), ("app", None)]


def test_a_body_without_context_comes_after_teardown(app):
    @app.route("/")
    def view():
        def chunks():
            app.order.append("chunk")
            yield "a"

        return chunks()

    app.test_client().get("/", buffered=True)
    assert app.order == [("request", None), ("app", None), "chunk"]


def test_teardown_gets_the_error_of_the_stream(app):
    error = ValueError("midway")

    @app.route("/")
    def view():
        def chunks():
            yield "a"
            raise error

        return stream_with_context(chunks())

    with pytest.raises(ValueError, match="midway"):
        app.test_client().get("/", buffered=True)
    assert app.order == [("request", error), ("app", error)]


def test_a_stream_that_the_peer_leaves_is_torn_down(app):
    closed = []

    @app.route("/")
    def view():
        def chunks():
            try:
                while True:
                    yield "a"
            finally:
                closed.append(request.path)

        return stream_with_context(chunks())

    response = app.test_client().get("/")
    next(iter(response.response))
    assert app.order == []
    response.close()
    assert closed == ["/"]
    assert app.order == [("request", None), ("app", None)]


def test_a_stream_that_nobody_reads_is_torn_down(app):
    @app.route("/")
    def view():
        return stream_with_context(iter(["a"]))

    app.test_client().head("/").close()
    gc.collect()
    assert app.order == [("request", None), ("app", None)]


def test_a_stream_that_the_view_throws_away_changes_nothing(app):
    @app.route("/")
    def view():
        stream_with_context(iter(["a"])).close()
        return f"still {request.path}"

    assert app.test_client().get("/").text == "still /"
    assert app.order == [("request", None), ("app", None)]


def test_a_streamed_template_sees_request_and_session(app):
    @app.route("/")
    def view():
        return stream_template_string("{{ request.path }}{% for i in range(2) %} {{ i }}{% endfor %} {{ session.get('x', '-') }}")

    assert app.test_client().get("/").text == "/ 0 1 -"


def test_outside_of_a_request_there_is_nothing_to_keep():
    with pytest.raises(RuntimeError, match="when a request context is active"):
        stream_with_context(iter(["a"]))


@pytest.mark.parametrize("hooked", [False, True], ids=["plan", "general"])
def test_a_route_with_stream_has_a_plan_that_reads_the_body_while_it_comes(hooked):
    app = App(__name__)
    if hooked:

        @app.before_request
        async def hook():
            pass

    @app.post("/upload", stream=True)
    def upload():
        return str(len(request.stream.read()))

    @app.post("/whole")
    def whole():
        return ""

    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
    assert app.handler.match(Request.from_bytes(head % b"/upload", b"a")).streams_body
    assert not app.handler.match(Request.from_bytes(head % b"/whole", b"a")).streams_body
    assert app.test_client().post("/upload", data=b"abc").text == "3"


def test_a_view_that_waits_for_its_client_cannot_be_pinned_inline():
    app = App(__name__)
    with pytest.raises(RegistrationError, match="cannot run inline"):
        app.add_url_rule("/", "view", str, stream=True, run="inline")
    with pytest.raises(RegistrationError, match="expected False or True"):
        app.add_url_rule("/", "view", str, stream="yes")

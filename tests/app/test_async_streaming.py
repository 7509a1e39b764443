"""Templates as streams of `async def` views: the request is there until the last piece, teardown comes after it."""

import asyncio
import gc
import threading

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture
from tests.waiting import until

from kolben import App, astream_template, astream_template_string, g, request, session
from kolben.app.signals import before_render_template, template_rendered

PAGE = "{{ one }}{% for i in range(3) %} {{ request.path }}{{ g.user }}{{ i }}{% endfor %}"


@pytest.fixture
def order():
    """What happened: teardown with its error, and the thread that ran it."""
    return []


@pytest.fixture
def app(order):
    app = App("pages", static_folder=None)
    app.secret_key = "a test's"

    @app.before_request
    async def user():
        g.user, session["n"] = "u", 7

    @app.context_processor
    async def one():
        await asyncio.sleep(0)
        return {"one": session["n"]}

    @app.teardown_request
    def end(error):
        order.append((type(error), threading.current_thread()))

    @app.get("/page")
    async def page():
        return await astream_template_string(PAGE)

    return app


def test_a_streamed_template_sees_request_session_and_g(app, serve):  # noqa: F811 - the fixture
    assert serve(app.handler).get("/page").body == b"7 /pageu0 /pageu1 /pageu2"


def test_it_is_the_same_without_a_server(app, order):
    assert app.test_client().get("/page").text == "7 /pageu0 /pageu1 /pageu2"
    assert [error for error, _ in order] == [type(None)]


def test_its_pieces_leave_one_by_one(app, serve):  # noqa: F811 - the fixture
    answer = serve(app.handler).get("/page")
    assert answer.headers["transfer-encoding"] == "chunked"


def test_pieces_are_sent_as_they_are_made_with_the_request_and_signals(serve, tmp_path):  # noqa: F811 - the fixture
    """The template waits in its middle until the client has the first piece; the loop is free meanwhile."""
    (tmp_path / "page.html").write_text("{{ waited }}{{ first() }}{{ request.path }}")
    app = App("pages", static_folder=None, template_folder=str(tmp_path))
    has_first, told, threads = threading.Event(), [], []

    @app.context_processor
    async def waited():
        await asyncio.sleep(0)
        return {"waited": "-" * 10}

    @app.get("/")
    async def page():
        def first():
            threads.append(threading.current_thread())
            return f"{has_first.wait(10)}"

        return await astream_template("page.html", first=first)

    @app.teardown_request
    def end(error):
        told.append(request.path)

    def tell(sender, template, **_):
        told.append(template.name)

    with before_render_template.connected_to(tell, app), template_rendered.connected_to(tell, app):
        running = serve(app.handler)
        client = running.connect()
        client.get("/", "Connection: close")
        client.until(b"-" * 10)
        assert running.get("/none").status == 404  # the loop is free
        has_first.set()
        rest = client.until(b"0\r\n\r\n")
        assert b"\r\nTrue\r\n" in rest
        assert b"\r\n/\r\n" in rest
        client.close()
        assert threads != [running.call(threading.current_thread)]
    assert told == ["page.html", "/none", "page.html", "/"]


def test_teardown_waits_for_the_last_piece_and_does_not_stop_the_loop(app, serve, order):  # noqa: F811 - the fixture
    torn_down = []

    @app.get("/late")
    async def late():
        return await astream_template_string("{% for i in range(2) %}{{ seen() }}{% endfor %}", seen=lambda: len(order))

    @app.teardown_request
    async def end(error):
        torn_down.append(asyncio.get_running_loop())

    running = serve(app.handler)
    loop, thread = running.call(lambda: (asyncio.get_running_loop(), threading.current_thread()))
    assert running.get("/late").body == b"00"
    until(lambda: order and torn_down)
    assert [where is thread for _, where in order] == [False]
    assert torn_down == [loop]


def test_a_template_that_fails_midway_tears_down_with_its_error(app, order):
    @app.get("/wrong")
    async def wrong():
        return await astream_template_string("a{{ 1 // nothing }}", nothing=0)

    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/wrong", buffered=True)
    assert [error for error, _ in order] == [ZeroDivisionError]


def test_what_fails_before_the_first_piece_is_an_error_of_the_view(app, serve):  # noqa: F811 - the fixture
    @app.get("/none")
    async def none():
        return await astream_template("none.html")

    assert serve(app.handler).get("/none").status == 500


def test_a_stream_that_nobody_reads_is_torn_down(app, order):
    @app.get("/dropped")
    async def dropped():
        await astream_template_string("a")
        return "whole"

    client = app.test_client()
    assert client.get("/dropped").text == "whole"
    client.head("/page").close()
    gc.collect()
    assert [error for error, _ in order] == [type(None)] * 2


def test_an_async_generator_is_a_body_as_a_generator_is(app, serve):  # noqa: F811 - the fixture
    @app.get("/pieces")
    async def pieces():
        async def made():
            yield "a"
            await asyncio.sleep(0)
            yield b"b"

        return made(), 201, {"X-A": "1"}

    answer = serve(app.handler).get("/pieces")
    assert (answer.status, answer.body, answer.headers["x-a"]) == (201, b"ab", "1")

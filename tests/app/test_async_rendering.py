"""Async context processors: on the server's loop, in the context of the request, whatever the view is."""

import asyncio
import threading

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture

from kolben import (
    App,
    Blueprint,
    arender_template,
    arender_template_string,
    astream_template_string,
    g,
    render_template_string,
    request,
    session,
)
from kolben.app.signals import before_render_template, template_rendered

PAGE = "{{ one }} {{ two }} {{ three }} {{ given }}"


@pytest.fixture
def seen():
    """Where context processors ran: (name, loop or None, thread)."""
    return []


@pytest.fixture
def app(seen):
    app = App("pages", static_folder=None)
    app.secret_key = "a test's"
    part = Blueprint("part", "part")

    @app.before_request
    async def user():
        g.user, session["n"] = "u", 7

    @app.context_processor
    async def one():
        await asyncio.sleep(0)
        seen.append(("one", asyncio.get_running_loop(), threading.current_thread()))
        return {"one": f"{g.user}{session['n']}{request.path}", "given": "hidden"}

    @app.context_processor
    def two():
        seen.append(("two", None, threading.current_thread()))
        return {"two": 2, "three": "hidden"}

    @part.context_processor
    async def three():
        await asyncio.sleep(0)
        seen.append(("three", asyncio.get_running_loop(), threading.current_thread()))
        return {"three": 3}

    @part.get("/task")
    async def task():
        seen.append(("view", asyncio.get_running_loop(), threading.current_thread()))
        return await arender_template_string(PAGE, given=4)

    @part.get("/pieces")
    async def pieces():
        seen.append(("view", asyncio.get_running_loop(), threading.current_thread()))
        return await astream_template_string(PAGE, given=4)

    @part.get("/plain")
    def plain():
        return render_template_string(PAGE, given=4)

    @part.get("/wrong")
    async def wrong():
        return render_template_string(PAGE, given=4)

    app.register_blueprint(part)
    return app


@pytest.mark.parametrize("path", ["/task", "/pieces", "/plain"])
def test_async_context_processors_run_on_the_servers_loop_in_their_order(app, serve, seen, path):  # noqa: F811 - the fixture
    running = serve(app.handler)
    loop, thread = running.call(lambda: (asyncio.get_running_loop(), threading.current_thread()))
    assert running.get(path).body == f"u7{path} 2 3 4".encode()
    assert [name for name, _, _ in seen if name != "view"] == ["one", "two", "three"]
    assert {(on, where) for name, on, where in seen if name != "two"} == {(loop, thread)}


def test_they_are_steps_of_the_views_task(app, serve, seen):  # noqa: F811 - the fixture
    tasks = []

    @app.context_processor
    async def current():
        tasks.append(id(asyncio.current_task()))
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return {}

    @app.get("/")
    async def view():
        tasks.append(id(asyncio.current_task()))
        return await arender_template_string("{{ one }}")

    assert serve(app.handler).get("/").body == b"u7/"
    assert len(tasks) == 2
    assert tasks[0] == tasks[1]


@pytest.mark.parametrize("path", ["/task", "/pieces", "/plain"])
def test_they_run_without_a_server_as_well(app, path):
    assert app.test_client().get(path).text == f"u7{path} 2 3 4"


def test_a_plain_one_does_not_stop_the_loop(app, serve, seen):  # noqa: F811 - the fixture
    """It begins in a thread, and earns the loop as hooks do."""
    running = serve(app.handler)
    thread = running.call(threading.current_thread)
    assert running.get("/task").status == 200
    assert [where is thread for name, _, where in seen if name == "two"] == [False]


def test_render_template_says_what_to_write_where_it_would_have_to_wait(app, serve, caplog):  # noqa: F811 - the fixture
    running = serve(app.handler)
    assert running.get("/wrong").status == 500
    assert "the context processor" in caplog.text
    assert "write `await arender_template(...)`" in caplog.text
    assert running.get("/task").status == 200


def test_render_template_takes_async_functions_that_return_at_once(serve):  # noqa: F811 - the fixture
    app = App("pages", static_folder=None)

    @app.context_processor
    async def here():
        return {"here": request.path}

    @app.get("/page")
    async def page():
        return render_template_string("{{ here }}")

    running = serve(app.handler)
    assert running.get("/page").body == b"/page"
    assert app.handler.plan_of("page").record.calls == 1


def test_an_app_with_its_own_way_of_making_the_context_is_asked(app):
    class Own(App):
        def update_template_context(self, context):
            super().update_template_context(context)
            context["own"] = "own"

    own = Own("pages", static_folder=None)

    @own.context_processor
    async def here():
        await asyncio.sleep(0)
        return {"here": request.path}

    @own.get("/")
    async def page():
        return await arender_template_string("{{ here }} {{ own }}")

    assert own.test_client().get("/").text == "/ own"


def test_a_template_is_found_and_signals_are_sent(tmp_path):
    (tmp_path / "page.html").write_text("<{{ name }}>")
    app = App("pages", static_folder=None, template_folder=str(tmp_path))
    told = []

    @app.get("/")
    async def page():
        return await arender_template(["none.html", "page.html"], name="&")

    def tell(sender, template, context, **_):
        told.append((sender, template.name, context["name"]))

    with before_render_template.connected_to(tell, app), template_rendered.connected_to(tell, app):
        assert app.test_client().get("/").text == "<&amp;>"
    assert told == [(app, "page.html", "&")] * 2

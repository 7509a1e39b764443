"""Async wherever Flask has a function, on our own server's loop: one request, one g, one session, and the order of plain functions."""

import asyncio
import threading

import anyio
import anyio.lowlevel
import click
import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture

from kolben import App, current_app, g, render_template_string, request, session
from kolben.app.views import MethodView


@pytest.fixture
def app():
    made = App("everywhere", static_folder=None)
    made.secret_key = "a test's"
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


def note(word):
    g.setdefault("order", []).append(word)


def register(app, kind, is_async):
    """One hook of each kind, plain or async, which notes that it ran."""

    def plain(*args):
        note(kind)
        return args[0] if kind == "after" else None

    async def later(*args):
        await asyncio.sleep(0)
        return plain(*args)

    getattr(app, {"before": "before_request", "after": "after_request"}[kind])(later if is_async else plain)


@pytest.mark.parametrize("view_is_async", [False, True])
@pytest.mark.parametrize("before_is_async", [False, True])
@pytest.mark.parametrize("after_is_async", [False, True])
def test_order_and_context_do_not_depend_on_who_is_async(app, serve, view_is_async, before_is_async, after_is_async):  # noqa: F811 - a fixture
    """before, view, after, session, teardown."""
    seen = []
    register(app, "before", before_is_async)
    register(app, "after", after_is_async)

    @app.teardown_request
    def teardown(error):
        seen.append((g.order, request.path, session["n"]))

    def view():
        note("view")
        session["n"] = 1
        return "ok"

    async def async_view():
        await asyncio.sleep(0)
        return view()

    app.add_url_rule("/", view_func=async_view if view_is_async else view)
    answer = serve(app.handler).get("/")
    assert answer.body == b"ok"
    assert "set-cookie" in answer.headers
    assert seen == [(["before", "view", "after"], "/", 1)]


@pytest.mark.parametrize("view_is_async", [False, True])
def test_async_teardown_sees_the_request_and_its_error(app, serve, view_is_async):  # noqa: F811 - the fixture
    seen, done = [], threading.Event()

    @app.teardown_request
    async def teardown(error):
        await asyncio.sleep(0)
        seen.append((request.path, type(error)))

    @app.teardown_appcontext
    async def teardown_app(error):
        seen.append((current_app.name, type(error)))
        done.set()

    def view():
        raise ValueError("broken")

    async def async_view():
        view()

    app.add_url_rule("/", view_func=async_view if view_is_async else view)
    assert serve(app.handler).get("/").status == 500
    assert done.wait(SOON)
    assert seen == [("/", ValueError), ("everywhere", ValueError)]


@pytest.mark.parametrize("view_is_async", [False, True])
def test_async_error_handlers_and_context_processors(app, serve, view_is_async):  # noqa: F811 - the fixture
    @app.errorhandler(KeyError)
    async def on_error(error):
        await asyncio.sleep(0)
        return f"handled {request.path}", 418

    @app.context_processor
    async def names():
        await asyncio.sleep(0)
        return {"here": request.path}

    def broken():
        raise KeyError

    def page():
        return render_template_string("{{ here }}")

    async def async_broken():
        broken()

    async def async_page():
        return page()

    app.add_url_rule("/broken", view_func=async_broken if view_is_async else broken)
    app.add_url_rule("/page", view_func=async_page if view_is_async else page)
    running = serve(app.handler)
    assert (running.get("/broken").status, running.get("/broken").body) == (418, b"handled /broken")
    assert running.get("/page").body == b"/page"


def test_an_async_method_view_runs_on_the_servers_loop(app, serve):  # noqa: F811 - the fixture
    loops = []

    class View(MethodView):
        async def get(self):
            loops.append(asyncio.get_running_loop())
            await asyncio.sleep(0)
            return request.method

    app.add_url_rule("/", view_func=View.as_view("view"))
    running = serve(app.handler)
    assert running.get("/").body == b"GET"
    assert loops == [running.loop] or app.handler.plan_of("view").mode != 2


def test_asyncio_and_anyio_work_from_the_first_line(app, serve):  # noqa: F811 - the fixture
    """The first step of a view is a step of its task."""

    @app.get("/")
    async def view():
        assert asyncio.current_task() is not None
        got = []

        async def child(word):
            got.append((word, request.path))

        async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
            group.create_task(child("asyncio"))
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(child, "anyio")
        with anyio.move_on_after(SOON):
            await anyio.lowlevel.checkpoint()
        assert await anyio.to_thread.run_sync(lambda: request.path) == "/"
        return got

    assert serve(app.handler).get("/").body == b'[["asyncio","/"],["anyio","/"]]\n'


def test_timeout_ends_a_view(app, serve):  # noqa: F811 - the fixture
    @app.get("/")
    async def view():
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"

    assert serve(app.handler).get("/").body == b"late"


def test_ensure_sync_and_async_to_sync_work_for_extensions(app, serve):  # noqa: F811 - the fixture
    """From a plain view, which an extension's decorator may have made of an async one."""

    async def inner(word):
        await asyncio.sleep(0)
        return f"{word} {request.path}"

    app.add_url_rule("/ensure", view_func=lambda: app.ensure_sync(inner)("a"), endpoint="ensure")
    app.add_url_rule("/to-sync", view_func=lambda: app.async_to_sync(inner)("b"), endpoint="to-sync", run="inline")
    running = serve(app.handler)
    assert running.get("/ensure").body == b"a /ensure"
    assert running.get("/to-sync").body == b"b /to-sync"


def test_an_async_command_runs_in_app_context(app):
    @app.cli.command("later")
    async def later():
        await asyncio.sleep(0)
        click.echo(current_app.name)

    result = app.test_cli_runner().invoke(args=["later"])
    assert result.output == "everywhere\n", result.output


def test_a_blocking_hook_of_an_async_view_does_not_freeze_the_loop(app, serve):  # noqa: F811 - the fixture
    """Others are answered meanwhile."""
    may_go, is_blocked = threading.Event(), threading.Event()

    @app.before_request
    def block():
        if request.path == "/blocked":
            is_blocked.set()
            assert may_go.wait(SOON)

    @app.get("/blocked")
    async def blocked():
        return "blocked"

    @app.get("/free")
    async def free():
        return "free"

    running = serve(app.handler)
    peer = running.connect()
    peer.get("/blocked")
    assert is_blocked.wait(SOON)
    other = running.connect()
    other.socket.settimeout(SOON / 2)
    try:
        other.get("/free")
        assert other.answer().body == b"free"
    finally:
        may_go.set()
    assert peer.answer().body == b"blocked"

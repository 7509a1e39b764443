"""Async wherever Flask has a function, on our own server's loop: one request, one g, one session, and the order of plain functions."""

import asyncio
import contextvars
import functools
import threading
import traceback

import anyio
import anyio.lowlevel
import click
import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture

from kolben import App, after_this_request, current_app, g, has_request_context, request, session
from kolben.app import signals
from kolben.app.views import MethodView
from kolben.http import Mode


@pytest.fixture
def app():
    made = App("everywhere", static_folder=None)
    made.secret_key = "a test's"
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


class Gate:
    """Blocks who answers /blocked, while somebody else asks for /free."""

    def __init__(self):
        self._may_go, self._is_blocked = threading.Event(), threading.Event()

    def block(self):
        self._is_blocked.set()
        assert self._may_go.wait(SOON)

    def answer_beside(self, app, serve):  # noqa: F811 - the fixture
        """The body of /blocked; fails if nobody else is answered meanwhile."""

        @app.get("/free")
        async def free():
            return "free"

        running = serve(app.handler)
        peer = running.connect()
        peer.get("/blocked")
        assert self._is_blocked.wait(SOON)
        other = running.connect()
        other.socket.settimeout(SOON / 2)
        try:
            other.get("/free")
            assert other.answer().body == b"free"
        finally:
            self._may_go.set()
        return peer.answer().body


@pytest.fixture
def gate():
    return Gate()


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
def test_async_error_handlers(app, serve, view_is_async):  # noqa: F811 - the fixture
    @app.errorhandler(KeyError)
    async def on_error(error):
        await asyncio.sleep(0)
        return f"handled {request.path}", 418

    def broken():
        raise KeyError

    async def async_broken():
        broken()

    app.add_url_rule("/broken", view_func=async_broken if view_is_async else broken)
    running = serve(app.handler)
    assert (running.get("/broken").status, running.get("/broken").body) == (418, b"handled /broken")


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
    assert loops == [running.loop]
    assert app.handler.plan_of("view").mode == Mode.TASK


def test_a_class_with_plain_and_async_methods_awaits_on_the_servers_loop(app, serve):  # noqa: F811 - the fixture
    loops = []

    class View(MethodView):
        def get(self):
            return "plain"

        async def post(self):
            loops.append(asyncio.get_running_loop())
            return "async"

    app.add_url_rule("/", view_func=View.as_view("view"))
    running = serve(app.handler)
    for _ in range(60):  # it earns nothing by that: the loop's thread could not wait for the loop
        assert running.get("/").body == b"plain"
    peer = running.connect()
    peer.post("/", b"")
    assert peer.answer().body == b"async"
    assert loops == [running.loop]


def test_what_decorates_a_class_based_view_is_called(app, serve):  # noqa: F811 - the fixture
    """Those that stand in the class, and those around `as_view()`: to them it is a plain function, as in Flask."""
    calls = []

    def noting(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            calls.append(function.__name__)
            return function(*args, **kwargs)

        return inner

    class Outside(MethodView):
        async def get(self):
            return "outside"

    class Inside(Outside):
        decorators = (noting,)

    app.add_url_rule("/outside", view_func=noting(Outside.as_view("outside")))
    app.add_url_rule("/inside", view_func=Inside.as_view("inside"))
    running = serve(app.handler)
    assert (running.get("/outside").body, running.get("/inside").body, calls) == (b"outside", b"outside", ["outside", "inside"])


@pytest.mark.parametrize("view_is_async", [False, True])
def test_whatever_is_async_runs_on_the_servers_loop(app, serve, view_is_async):  # noqa: F811 - the fixture
    loops = {}

    def note_loop(name):
        loops[name] = asyncio.get_running_loop()

    @app.before_request
    async def before():
        note_loop("before")

    @app.after_request
    async def after(response):
        note_loop("after")
        return response

    @app.teardown_request
    async def teardown(_):
        note_loop("teardown")

    @app.teardown_appcontext
    async def teardown_app(_):
        note_loop("teardown of the app")

    @app.errorhandler(KeyError)
    async def handler(_):
        note_loop("handler")
        return "handled"

    def view():
        @after_this_request
        async def once(response):
            note_loop("once")
            return response

        raise KeyError

    async def async_view():
        note_loop("view")
        view()

    app.add_url_rule("/", view_func=async_view if view_is_async else view)
    running = serve(app.handler)
    assert running.get("/").body == b"handled"
    names = {"before", "after", "teardown", "teardown of the app", "handler", "once"} | ({"view"} if view_is_async else set())
    assert loops == dict.fromkeys(names, running.loop)


@pytest.mark.parametrize(
    "kind", ["before_request", "after_request", "teardown_request", "teardown_appcontext", "errorhandler", "preprocessor"]
)
def test_no_plain_function_around_an_async_view_freezes_the_loop(app, serve, kind, gate):  # noqa: F811 - the fixture
    """Others are answered while it blocks, and what it sets is seen by what comes after it."""
    variable = contextvars.ContextVar("variable", default=None)

    def block(*args):
        if request.path == "/blocked":
            gate.block()
            variable.set(kind)
        return {"after_request": lambda: args[0], "errorhandler": lambda: "blocked"}.get(kind, lambda: None)()

    register = {"errorhandler": app.errorhandler(KeyError), "preprocessor": app.url_value_preprocessor}.get(kind) or getattr(app, kind)
    register(block)
    seen = []

    @app.get("/blocked")
    async def blocked():
        seen.append(variable.get())
        if kind == "errorhandler":
            raise KeyError
        return "blocked"

    assert gate.answer_beside(app, serve) == b"blocked"
    assert seen == [kind if kind in {"before_request", "preprocessor"} else None]


def test_signals_of_an_async_view_are_sent(app, serve):  # noqa: F811 - the fixture
    """In the order of a plain view's, and none of them on the loop."""
    sent = []
    names = [
        "appcontext_pushed",
        "request_started",
        "request_finished",
        "request_tearing_down",
        "appcontext_tearing_down",
        "appcontext_popped",
    ]

    def listen(name):
        def note_signal(sender, **values):
            if has_request_context():  # not for the context of the app's life
                sent.append((name, request.path, asyncio._get_running_loop()))

        getattr(signals, name).connect(note_signal, app)
        return note_signal

    listeners = [listen(name) for name in names]

    @app.get("/")
    async def view():
        return "ok"

    try:
        assert serve(app.handler).get("/").body == b"ok"
    finally:
        for name, listener in zip(names, listeners, strict=True):
            getattr(signals, name).disconnect(listener, app)
    assert sent == [(name, "/", None) for name in names]


def test_an_error_that_nobody_handles_is_logged_with_its_own_traceback(app, serve, caplog):  # noqa: F811 - the fixture
    @app.get("/")
    async def view():
        raise ValueError("broken")

    assert serve(app.handler).get("/").status == 500
    (record,) = [record for record in caplog.records if record.name == "everywhere"]
    assert record.exc_info[0] is ValueError
    assert traceback.extract_tb(record.exc_info[2])[-1].name == "view"


def test_a_cancelled_view_is_torn_down(app, serve):  # noqa: F811 - the fixture
    """Async teardown functions are awaited, and told why."""
    torn_down, runs, seen = threading.Event(), threading.Event(), []

    @app.teardown_request
    async def teardown(error):
        await asyncio.sleep(0)
        seen.append(type(error))
        torn_down.set()

    @app.get("/")
    async def view():
        runs.set()
        await asyncio.Event().wait()

    peer = serve(app.handler).connect()
    peer.get("/")
    assert runs.wait(SOON)
    peer.reset()
    assert torn_down.wait(SOON)
    assert seen == [asyncio.CancelledError]


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


def test_a_blocking_hook_of_an_async_view_does_not_freeze_the_loop(app, serve, gate):  # noqa: F811 - the fixture
    """Others are answered meanwhile."""

    @app.before_request
    def block():
        if request.path == "/blocked":
            gate.block()

    @app.get("/blocked")
    async def blocked():
        return "blocked"

    assert gate.answer_beside(app, serve) == b"blocked"

"""Startup, shutdown, and work that belongs to the app: on our own server."""

import asyncio
import threading

import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture

from kolben import App, current_app, g, has_request_context
from kolben.app.contexts import after_response
from kolben.base.errors import RegistrationError


@pytest.fixture
def app():
    return App("life", static_folder=None)


def test_what_is_registered_runs_in_app_context_and_in_order(app, serve):  # noqa: F811 - the fixture
    """The context manager around all; startup in order, shutdown in reverse; plain functions off the loop."""
    order = []

    def note(word):
        order.append((word, current_app.name, threading.current_thread().name == "serves"))

    @app.lifespan
    async def around(given):
        assert given is app
        note("enter")
        yield
        note("leave")

    app.on_startup(lambda: note("first up"))

    @app.on_startup
    async def second_up():
        note("second up")

    @app.on_shutdown
    async def last_down():
        note("last down")

    app.on_shutdown(lambda: note("first down"))
    app.add_url_rule("/", view_func=lambda: note("view") or "ok")
    running = serve(app.handler)
    running.get("/")
    running.stop()
    assert [(word, name) for word, name, _ in order] == [
        (word, "life") for word in ("enter", "first up", "second up", "view", "first down", "last down", "leave")
    ]
    assert [on_loop for word, _, on_loop in order if word != "view"] == [True, False, True, False, True, True]


def test_nothing_is_accepted_before_the_startup_is_over(app, serve):  # noqa: F811 - the fixture
    may_go, has_begun = threading.Event(), threading.Event()

    @app.on_startup
    def wait():
        has_begun.set()
        assert may_go.wait(SOON)

    running = serve(app.handler)
    assert has_begun.wait(SOON)
    peer = running.connect()
    peer.get("/")
    assert not peer.has_bytes(0.05)
    may_go.set()
    assert peer.answer().status == 404


def test_a_startup_that_fails_ends_the_server_with_its_error(app, serve):  # noqa: F811 - the fixture
    downs = []
    app.on_shutdown(lambda: downs.append(True))

    @app.on_startup
    async def connect():
        raise ConnectionError("no database")

    running = serve(app.handler)
    running.thread.join(SOON)
    assert str(running.failure) == "no database"
    assert downs == []
    running.failure = None


def test_a_server_that_is_stopped_while_the_app_starts_ends(app, serve):  # noqa: F811 - the fixture
    has_begun = threading.Event()

    @app.on_startup
    async def forever():
        has_begun.set()
        await asyncio.Event().wait()

    running = serve(app.handler)
    assert has_begun.wait(SOON)
    running.stop()


def test_a_shutdown_function_that_fails_does_not_keep_others_from_running(app, serve, caplog):  # noqa: F811 - the fixture
    downs = []
    app.on_shutdown(lambda: downs.append(True))

    @app.on_shutdown
    def broken():
        raise ValueError("broken")

    running = serve(app.handler)
    running.get("/")
    running.stop()
    assert downs == [True]
    assert "Error in test_a_shutdown_function" in caplog.text


def test_an_app_has_one_context_manager(app):
    @app.lifespan
    async def first(app):
        yield

    with pytest.raises(RegistrationError, match="expected one"):
        app.lifespan(first)


class TestSpawn:
    @pytest.mark.parametrize("run", ["inline", "thread", None])
    def test_work_runs_in_app_context_whoever_asks_for_it(self, app, serve, run):  # noqa: F811 - the fixture
        done, seen = threading.Event(), []

        async def work():
            seen.append((current_app.name, has_request_context(), g.get("here")))
            done.set()

        def view():
            g.here = True
            app.spawn(work())
            return "ok"

        async def async_view():
            return view()

        app.add_url_rule("/", view_func=view if run else async_view, run=run)
        assert serve(app.handler).get("/").body == b"ok"
        assert done.wait(SOON)
        assert seen == [("life", False, None)]

    def test_a_stop_waits_for_work(self, app, serve):  # noqa: F811 - the fixture
        begun, may_end, seen = threading.Event(), [], []

        async def work():
            may_end.append(asyncio.Event())
            begun.set()
            await may_end[0].wait()
            seen.append(True)

        @app.on_shutdown
        def look():
            seen.append("shutdown")

        app.add_url_rule("/", view_func=lambda: app.spawn(work()) or "ok")
        running = serve(app.handler)
        running.get("/")
        assert begun.wait(SOON)
        running.loop.call_soon_threadsafe(running.server.stop)
        running.loop.call_soon_threadsafe(may_end[0].set)
        running.stop()
        assert seen == [True, "shutdown"]

    def test_endless_work_ends_with_the_app(self, app, serve):  # noqa: F811 - the fixture
        begun, seen = threading.Event(), []

        async def work():
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(True)

        @app.on_startup
        def begin():
            app.spawn(work(), endless=True)

        running = serve(app.handler, timeouts={"graceful": SOON * 2})
        assert begun.wait(SOON)
        running.get("/")  # so it is up
        running.stop()
        assert seen == [True]

    def test_work_that_does_not_end_is_cancelled_and_named(self, app, serve, caplog):  # noqa: F811 - the fixture
        begun = threading.Event()

        async def dawdle():
            begun.set()
            await asyncio.Event().wait()

        app.on_startup(lambda: app.spawn(dawdle()))
        running = serve(app.handler, timeouts={"graceful": 0.01})
        assert begun.wait(SOON)
        running.get("/")  # so it is up
        running.stop()
        assert "dawdle" in caplog.text

    def test_an_error_is_logged(self, app, caplog):
        async def work():
            raise ValueError("broken")

        with app.run_lifespan():
            app.spawn(work())
        assert "Error in background work" in caplog.text
        assert "broken" in caplog.text

    def test_without_a_loop_it_says_what_to_do(self, app):
        async def work():
            """Is never run."""

        with pytest.raises(RuntimeError, match="run_lifespan"):
            app.spawn(work())


class TestBackgroundTasks:
    @pytest.mark.parametrize("is_async", [False, True])
    def test_a_function_is_called_after_the_response(self, app, serve, is_async):  # noqa: F811 - the fixture
        may_go, done, seen = threading.Event(), threading.Event(), []

        def task(word, *, more):
            assert is_async or may_go.wait(SOON)
            seen.append((word, more, current_app.name, has_request_context()))
            done.set()

        async def async_task(word, *, more):
            task(word, more=more)

        @app.route("/")
        def view():
            app.add_background_task(async_task if is_async else task, "a", more=1)
            return "ok"

        assert serve(app.handler).get("/").body == b"ok"  # which does not wait
        may_go.set()
        assert done.wait(SOON)
        assert seen == [("a", 1, "life", False)]

    def test_behind_a_wsgi_server_the_thread_that_sent_the_response_calls_it(self, app):
        seen = []

        @app.route("/")
        def view():
            app.add_background_task(seen.append, threading.get_ident())
            return "ok"

        response = app.test_client().get("/")
        assert seen == []
        response.close()
        assert seen == [threading.get_ident()]

    def test_outside_of_a_request_it_is_called_at_once(self, app):
        seen = []
        app.add_background_task(seen.append, 1)
        assert seen == [1]

    def test_an_error_is_logged(self, app, caplog):
        def task():
            raise ValueError("broken")

        app.add_background_task(task)
        assert "broken" in caplog.text

    def test_after_response_knows_the_request_still(self, app):
        seen = []

        @app.route("/")
        def view():
            after_response(lambda: seen.append(True))
            return "ok"

        app.test_client().get("/").close()
        assert seen == [True]


def test_a_test_can_lead_the_life(app):
    """`with app.run_lifespan()`: startup, then the block, then shutdown."""
    order = []
    app.on_startup(lambda: order.append("up"))
    app.on_shutdown(lambda: order.append("down"))
    with app.run_lifespan():
        order.append("test")
    assert order == ["up", "test", "down"]

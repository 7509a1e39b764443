"""Async hooks around plain and async views, as our own server runs them: each is awaited, wherever its view runs."""

import asyncio
import contextvars

import pytest

from kolben import App, g
from kolben.http import Mode
from kolben.http._outgoing import serialize

VIEWS = ["plain", "pinned", "task", "task-in-thread"]


@pytest.fixture
def app():
    app = App(__name__)
    app.calls = []

    def view():
        app.calls.append("view")
        return f"seen {g.get('seen')}"

    async def async_view():
        return view()

    def broken():
        raise ValueError

    async def async_broken():
        raise ValueError

    app.add_url_rule("/plain", "plain", view)
    app.add_url_rule("/pinned", "pinned", view, run="inline")
    app.add_url_rule("/task", "task", async_view)
    app.add_url_rule("/task-in-thread", "task-in-thread", async_view, run="thread")
    app.add_url_rule("/broken", "broken", broken)
    app.add_url_rule("/broken-task", "broken-task", async_broken)
    return app


def ask(app, path):
    """Match and run as the server does: a task of a loop, or a call in a thread where no loop runs.  Returns mode and body."""
    handler = app.handler
    request = handler.request_class.from_bytes(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    plan = handler.match(request)
    if plan.mode == Mode.TASK:

        async def run():
            return await plan.run_async(request)

        response = asyncio.run(run())
    else:
        response = contextvars.copy_context().run(plan.run, request)
    return plan.mode, serialize(response)[1]


def test_without_async_hooks_an_async_view_is_a_task(app):
    assert ask(app, "/task") == (Mode.TASK, b"seen None")
    assert ask(app, "/task-in-thread")[0] == Mode.THREAD


@pytest.mark.parametrize("view", VIEWS)
def test_an_async_function_before_the_view_is_awaited(app, view):
    @app.before_request
    async def before():
        await asyncio.sleep(0)
        g.seen = "before"

    mode, body = ask(app, f"/{view}")
    assert body == b"seen before"
    assert (mode == Mode.TASK) == (view == "task")


@pytest.mark.parametrize("view", VIEWS)
def test_an_async_function_after_the_view_is_awaited(app, view):
    @app.after_request
    async def after(response):
        await asyncio.sleep(0)
        response.set_data("after")
        return response

    assert ask(app, f"/{view}")[1] == b"after"


@pytest.mark.parametrize("kind", ["teardown_request", "teardown_appcontext"])
@pytest.mark.parametrize("view", VIEWS)
def test_an_async_teardown_function_is_awaited(app, view, kind):
    async def teardown(_):
        await asyncio.sleep(0)
        app.calls.append("teardown")

    getattr(app, kind)(teardown)
    assert ask(app, f"/{view}")[1] == b"seen None"
    assert app.calls == ["view", "teardown"]


@pytest.mark.parametrize("view", ["broken", "broken-task"])
def test_an_async_error_handler_is_awaited(app, view):
    @app.errorhandler(ValueError)
    async def answer(_):
        await asyncio.sleep(0)
        return "sorry"

    assert ask(app, f"/{view}")[1] == b"sorry"


def test_a_hook_that_comes_after_the_first_request_counts(app):
    """The plan of a task is made anew, and awaits what is new."""
    assert ask(app, "/task")[0] == Mode.TASK
    app._got_first_request = False

    @app.teardown_request
    async def teardown(_):
        app.calls.append("teardown")

    assert ask(app, "/task")[0] == Mode.TASK
    assert app.calls == ["view", "view", "teardown"]


def test_a_view_whose_template_waits_for_async_functions_is_a_task_all_the_same(app):
    @app.context_processor
    async def names():
        return {}

    assert ask(app, "/task")[0] == Mode.TASK

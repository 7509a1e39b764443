"""Requests that never wait use one contextvars.Context after the other's end: nobody may ever notice."""

import asyncio
import contextvars
import functools
import gc
import threading

import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture

from kolben import App, current_app, g, request

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def app():
    return App(__name__)


@pytest.fixture(params=["reused", "not reused"])
def get(app, serve, request):  # noqa: F811 - the fixture
    """get(path) asks a server for it, always the same one and on one connection.

    What variables are set where the server is made, its requests have; with any, no Context is used again.
    """
    base, peers = contextvars.Context(), []
    if request.param == "not reused":
        base.run(contextvars.ContextVar("another").set, 1)

    def get(path):
        if not peers:
            peers.append(base.run(serve, app.handler).connect())
        peers[0].get(path)
        return peers[0].answer().body.decode()

    return get


@pytest.fixture(params=["inline", "task"])
def add(app, request):
    """add(path, view) adds a view that runs inline, or as a task that never waits."""

    def add(path, view):
        if request.param == "inline":
            app.add_url_rule(path, path, view, run="inline")
            return

        @functools.wraps(view)
        async def task(**values):
            return view(**values)

        app.add_url_rule(path, path, task)

    return add


def test_each_request_is_its_own(app, add, get):
    def view(name):
        before = g.get("name", "nothing")
        g.name = name
        return f"{before} {request.path} {current_app.name}"

    add("/<name>", view)
    assert [get(path) for path in ("/a", "/b", "/c")] == [f"nothing {path} {app.name}" for path in ("/a", "/b", "/c")]


def test_a_variable_that_a_view_sets_is_unset_for_the_next(add, get):
    def view():
        found = variable.get()
        variable.set("set")
        return found

    add("/", view)
    assert [get("/") for _ in range(3)] == ["unset"] * 3


@pytest.mark.parametrize(
    "change", [None, lambda: variable.set("later"), lambda: [contextvars.ContextVar(str(i)).set(i) for i in range(40)]]
)
def test_a_copy_of_the_context_keeps_its_request(add, get, change):
    copies = []

    def view(name):
        copies.append(contextvars.copy_context())
        if change:
            copies[-1].run(change)
        return name

    add("/<name>", view)
    for name in "abc":
        get("/" + name)
    assert [copy.run(lambda: request.path) for copy in copies] == ["/a", "/b", "/c"]
    copies.clear()  # they have their requests


def test_a_copy_that_was_changed_after_its_request_keeps_it(add, get):
    copies = []

    def view(name):
        if name == "a":
            copies.append(contextvars.copy_context())
        return name

    add("/<name>", view)
    get("/a")
    copies[0].run(variable.set, "later")
    get("/b")
    get("/c")
    assert copies[0].run(lambda: request.path) == "/a"
    copies.clear()  # it has its request


def test_a_token_resets_in_the_context_of_its_own_request_only(add, get):
    tokens, errors = [], []

    def keep():
        first = variable.set("set")
        tokens.append(variable.set("again"))
        variable.reset(first)
        return "kept"

    def use():
        try:
            variable.reset(tokens[0])
        except ValueError as error:
            errors.append(str(error))
        return variable.get()

    add("/keep", keep)
    add("/use", use)
    get("/keep")
    assert get("/use") == "unset"
    assert "different Context" in errors[0]
    tokens.clear()  # it has its Context, and so the request


def test_a_thread_that_a_view_starts_sees_its_request_after_the_answer(add, get):
    go, seen, threads = threading.Event(), [], []

    def late():
        assert go.wait(SOON)
        seen.append(request.path)

    def view(name):
        if name == "a":
            threads.append(threading.Thread(target=contextvars.copy_context().run, args=(late,)))
            threads[0].start()
        return name

    add("/<name>", view)
    get("/a")
    get("/b")
    go.set()
    threads[0].join(SOON)
    assert seen == ["/a"]


def test_a_task_that_a_view_starts_sees_its_request_after_the_answer(app, get):
    tasks, go, ended, seen = [], asyncio.Event(), threading.Event(), []

    async def late():
        await go.wait()
        seen.append(request.path)
        ended.set()

    @app.route("/<name>")
    async def view(name):
        if name == "a":
            tasks.append(asyncio.create_task(late()))
        else:
            go.set()
        return name

    get("/a")
    get("/b")
    assert ended.wait(SOON)
    assert seen == ["/a"]
    tasks.clear()  # it has its request


def test_outside_of_a_request_nothing_is_current(add, get):
    add("/", lambda: "")
    get("/")
    assert not request
    with pytest.raises(RuntimeError, match="outside of request context"):
        request.path  # noqa: B018 - reading it is what raises


def test_a_request_is_freed_at_its_end(add, get):
    """Not when the next one takes its place."""
    alive = []

    class Thing:
        def __del__(self):
            alive.remove(self.name)

    def view(name):
        g.thing = Thing()
        g.thing.name = name
        alive.append(name)
        return name

    add("/<name>", view)
    gc.disable()
    try:
        get("/a")
        assert alive == []
    finally:
        gc.enable()


def test_another_app_is_current_while_its_context_is_pushed_within_a_request(app, add, get):
    """What no variable says is not looked for in the Contexts that are used again: but this one says it."""
    other = App("other")
    other.config["MAX_CONTENT_LENGTH"] = 7
    app.config["MAX_CONTENT_LENGTH"] = 8

    def limit():
        return f"{current_app.name} {request.max_content_length}"

    def view():
        before = limit()
        with other.app_context():
            within = limit()
        return f"{before} {within} {limit()}"

    add("/", view)
    assert get("/") == get("/") == f"{__name__} 8 other 7 {__name__} 8"

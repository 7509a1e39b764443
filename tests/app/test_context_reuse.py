"""Requests that never wait use a contextvars.Context, a request, a context and a `g` after the other's end: nobody may ever notice."""

import asyncio
import contextvars
import functools
import gc
import threading
import weakref

import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture

from kolben import App, Request, after_this_request, current_app, flash, g, get_flashed_messages, request, session
from kolben.app.contexts import AppGlobals
from kolben.app.globals import request_ctx

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

    get.reuses = request.param == "reused"
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


# -- What belongs to a request: itself, its headers, its context, its `g`

PARTS = {
    "request": request._get_current_object,
    "headers": lambda: request.headers,
    "context": request_ctx._get_current_object,
    "g": g._get_current_object,
}


@pytest.fixture(params=PARTS)
def part(request):
    """What gives one of them within a request."""
    return PARTS[request.param]


def test_they_are_used_again(app, get):
    """If not, the tests below say nothing."""
    seen = []
    app.add_url_rule("/", view_func=lambda: seen.append([id(part()) for part in PARTS.values()]) or "", run="inline")
    for _ in range(3):
        get("/")
    same = [len(set(ids)) == 1 for ids in zip(*seen, strict=True)]
    assert same == [True] * 4 or not get.reuses  # else chance says what stands at an address


def test_whoever_keeps_one_keeps_it_as_it_was(add, get, part):
    kept = []

    def view(name):
        request.mine = g.mine = request_ctx.mine = request.headers.mine = name
        kept.append(part())
        return name

    add("/<name>", view)
    for name in "abc":
        get(f"/{name}")
    assert [each.mine for each in kept] == ["a", "b", "c"]
    assert [getattr(each, "path", "/" + each.mine) for each in kept] == ["/a", "/b", "/c"]
    assert len({id(each) for each in kept}) == 3
    kept.clear()


@pytest.mark.parametrize("owner", ["request", "headers", "g"])
def test_whoever_keeps_its_dict_keeps_that_as_it_was(add, get, owner):
    kept = []

    def view(name):
        found = PARTS[owner]()
        found.mine = name
        kept.append(vars(found))
        return name

    add("/<name>", view)
    for name in "abc":
        get(f"/{name}")
    assert [each["mine"] for each in kept] == ["a", "b", "c"]


def test_what_was_set_on_one_is_not_on_the_next(app, add, get):
    def view():
        found = [hasattr(each, "mine") for each in (request, g, request_ctx, request.headers)]
        found += [request.max_content_length == 7, "mine" in session, get_flashed_messages() != [], request.routing_exception is not None]
        request.mine = g.mine = request_ctx.mine = request.headers.mine = 1
        request.max_content_length = 7
        request.routing_exception = ValueError()
        session["mine"] = 1
        flash("mine")
        after_this_request(lambda response: response.headers.add("X-Mine", "1") or response)
        return repr(found)

    app.secret_key = "secret"
    add("/", view)
    current = []
    add("/plain", lambda: current.append((request.path, dict(request.headers))) or "")
    assert {get("/") for _ in range(3)} == {repr([False] * 8)}
    get("/plain")
    assert current[0][0] == "/plain"


def test_a_weak_reference_to_one_dies_with_its_request(add, get, part):
    references, told = [], []

    def view():
        references.append(weakref.ref(part(), told.append))
        return ""

    add("/", view)
    gc.disable()
    try:
        for _ in range(3):
            get("/")
        assert [reference() for reference in references] == [None] * 3
        assert told == references
    finally:
        gc.enable()


def test_a_finalizer_is_called_for_each_request(app, add, get):
    ended = []

    class WithEnd:
        def __del__(self):
            ended.append(type(self).__name__)

    class MyRequest(WithEnd, Request):
        pass

    class MyGlobals(WithEnd, AppGlobals):
        pass

    app.request_class, app.app_ctx_globals_class = MyRequest, MyGlobals
    add("/", lambda: setattr(g, "x", 1) or "")
    for number in range(1, 4):
        get("/")
        assert sorted(ended) == ["MyGlobals"] * number + ["MyRequest"] * number


def test_a_slot_of_a_subclass_is_empty_for_each_request(app, add, get):
    class MyRequest(Request):
        __slots__ = ("mine",)

    class MyGlobals(AppGlobals):
        __slots__ = ("mine",)

    def view():
        found = hasattr(request, "mine"), "mine" in dir(type(g._get_current_object())) and hasattr(g, "mine")
        request.mine = g.mine = 1
        return repr(found)

    app.request_class, app.app_ctx_globals_class = MyRequest, MyGlobals
    add("/", view)
    assert {get("/") for _ in range(3)} == {"(False, False)"}


def test_the_class_of_requests_may_change_between_two(app, add, get):
    class MyRequest(Request):
        pass

    add("/", lambda: type(request._get_current_object()).__name__)
    before = get("/")
    app.request_class = MyRequest
    assert get("/") == "MyRequest"
    app.request_class = App.request_class
    assert get("/") == before


@pytest.mark.parametrize("owner", ["g", "request"])
def test_what_its_end_calls_may_keep_the_request(app, add, get, owner):
    """A `__del__` that runs while a request is let go of, and finds it: the next request is another."""
    kept = []

    class MyRequest(Request):
        pass

    class Thing:
        def __del__(self):
            kept.extend(each for each in gc.get_objects() if type(each) is MyRequest)

    def view(name):
        PARTS[owner]().thing = Thing()
        assert not any(each is request._get_current_object() for each in kept)
        return f"{name} {request.path} {request.args.get('x')}"

    app.request_class = MyRequest
    add("/<name>", view)
    assert [get(f"/{name}?x={name}") for name in "abc"] == [f"{name} /{name} {name}" for name in "abc"]
    assert kept or not get.reuses
    kept.clear()

"""Other applications under paths of an app: each sees its path as its root, whichever way the request came."""

import asyncio
import logging
import threading

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wsgi import ClosingIterator

from kolben import App, request, session, url_for
from kolben.base.errors import RegistrationError
from kolben.interop.detection import interface_of
from kolben.server.figures import log_figures


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return [f"{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}|{body.decode()}".encode()]


async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{scope['root_path']}|{scope['path']}|{body.decode()}".encode()})


def inner_app():
    inner = App("inner", static_folder=None)
    inner.secret_key = "a test's"
    inner.add_url_rule("/", "index", lambda: f"{request.root_path}|{request.path}|{url_for('show', name='x')}")

    @inner.route("/show/<name>", methods=["GET", "POST"])
    def show(name):
        return f"{name} {request.get_data(as_text=True)}"

    @inner.route("/count")
    async def count():
        await asyncio.sleep(0)
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @inner.route("/upload", methods=["POST"], stream=True)
    async def upload():
        return str(len(await request.stream.aread()))

    return inner


@pytest.fixture
def app():
    outer = App("outer", static_folder=None)
    outer.add_url_rule("/", "index", lambda: "outer")
    outer.add_url_rule("/wsgi-not", "other", lambda: "not mounted")
    outer.mount("/wsgi", wsgi)
    outer.mount("/asgi", asgi)
    outer.mount("/inner", inner_app())
    outer.mount("/inner/deeper", wsgi)
    return outer


@pytest.fixture(params=["server", "wsgi"])
def ask(request, app, serve):  # noqa: F811 - the fixture
    """ask(path, body) on our own server, and by a WSGI call."""
    if request.param == "wsgi":
        client = app.test_client()

        def by_call(path, body=None):
            response = client.open(path, method="GET" if body is None else "POST", data=body)
            return response.status_code, response.get_data()

        return by_call
    peer = serve(app.handler).connect()

    def by_socket(path, body=None):
        if body is None:
            peer.get(path)
        else:
            peer.post(path, body)
        answer = peer.answer()
        return answer.status, answer.body

    return by_socket


def test_a_wsgi_application_sees_its_path_as_script_name(ask):
    """PEP 3333."""
    assert ask("/wsgi") == (200, b"/wsgi||")
    assert ask("/wsgi/a/b") == (200, b"/wsgi|/a/b|")
    assert ask("/wsgi/", b"body") == (200, b"/wsgi|/|body")


def test_an_asgi_application_sees_its_path_as_root_path(ask):
    """The path stays whole (ASGI 3, HTTP 2.4)."""
    assert ask("/asgi/a") == (200, b"/asgi|/asgi/a|")
    assert ask("/asgi/a", b"body") == (200, b"/asgi|/asgi/a|body")


def test_an_app_of_ours_builds_urls_under_its_path(ask):
    assert ask("/inner/") == (200, b"/inner|/|/inner/show/x")
    assert ask("/inner/show/a", b"body") == (200, b"a body")
    assert ask("/inner/nowhere")[0] == 404
    assert ask("/inner")[0] == 308


def test_an_async_view_of_an_inner_app_runs_with_its_session(ask):
    assert ask("/inner/count") == (200, b"1")


def test_a_path_ends_at_a_slash_and_the_longest_wins(ask):
    assert ask("/") == (200, b"outer")
    assert ask("/wsgi-not") == (200, b"not mounted")
    assert ask("/inner/deeper/x") == (200, b"/inner/deeper|/x|")


def test_a_large_body_reaches_each(app, serve):  # noqa: F811 - the fixture
    peer = serve(app.handler).connect()
    peer.post("/inner/upload", b"x" * 200_000)
    assert peer.answer().body == b"200000"
    peer = serve(app.handler).connect()
    peer.post("/wsgi/", b"x" * 200_000)
    assert peer.answer().body == b"/wsgi|/|" + b"x" * 200_000


def test_what_is_around_the_app_is_around_its_mounts(app, serve):  # noqa: F811 - the fixture
    """`app.wsgi_app = Middleware(app.wsgi_app)` sees every request."""
    seen = []
    inner = app.wsgi_app

    def middleware(environ, start_response):
        seen.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    app.wsgi_app = middleware
    peer = serve(app.handler).connect()
    for path in ("/wsgi/a", "/inner/show/x", "/asgi/b"):
        peer.get(path)
        assert peer.answer().status == 200
    assert seen == ["/wsgi/a", "/inner/show/x", "/asgi/b"]


def test_an_inner_view_earns_running_inline(serve):  # noqa: F811 - the fixture
    """What is measured of it counts, though each of its requests has a plan of its own."""
    names = []
    inner, outer = App("inner", static_folder=None), App("outer", static_folder=None)
    inner.add_url_rule("/", "index", lambda: names.append(threading.current_thread().name) or "ok", run="inline")
    outer.mount("/in", inner)
    serve(outer.handler).get("/in/")
    assert names == ["serves"]


def test_the_lifespan_of_what_is_mounted_is_run(serve):  # noqa: F811 - the fixture
    order = []
    inner, outer = App("inner", static_folder=None), App("outer", static_folder=None)

    async def asgi_with_life(scope, receive, send):
        assert scope["type"] == "lifespan"
        await receive()
        order.append("asgi up")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        order.append("asgi down")
        await send({"type": "lifespan.shutdown.complete"})

    inner.on_startup(lambda: order.append("inner up"))
    inner.on_shutdown(lambda: order.append("inner down"))
    outer.on_startup(lambda: order.append("outer up"))
    outer.on_shutdown(lambda: order.append("outer down"))
    outer.mount("/in", inner)
    outer.mount("/asgi", asgi_with_life)
    running = serve(outer.handler)
    running.get("/")
    running.stop()
    assert order == ["inner up", "asgi up", "outer up", "outer down", "asgi down", "inner down"]


@pytest.mark.parametrize(("path", "other"), [("legacy", wsgi), ("/", wsgi), ("", wsgi), ("/wsgi", wsgi), ("/x", object())])
def test_what_cannot_be_mounted_is_refused(app, path, other):
    with pytest.raises(RegistrationError, match="mount: "):
        app.mount(path, other)


class Both:
    async def __call__(self, *args):
        """ASGI."""


class Sync:
    def __call__(self, environ, start_response):
        """WSGI."""


def factory(config=None, debug=False):
    """Makes an app, perhaps."""


@pytest.mark.parametrize(
    ("application", "interface"),
    [(wsgi, "wsgi"), (asgi, "asgi"), (Both(), "asgi"), (Sync(), "wsgi"), (factory, None), (Sync, None), (1, None), (lambda a: a, None)],
)
def test_an_interface_is_told_by_how_it_is_called(application, interface):
    assert interface_of(application) == interface


@pytest.mark.parametrize("face", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("method", "line", "body", "length", "sent"),
    [
        ("GET", "200 OK", b"hello", "5", b"hello"),
        ("HEAD", "200 OK", b"hello", "5", b""),
        ("GET", "204 No Content", b"", None, b""),
        ("GET", "304 Not Modified", b"x", None, b""),
    ],
)
def test_what_a_mounted_application_says_goes_through_other_servers_as_well(face, method, line, body, length, sent):
    """And is closed there, behind the last byte."""
    closed = []

    def application(environ, start_response):
        start_response(line, [("X-A", "1"), ("Content-Length", "5" if length else "1")])
        return ClosingIterator([body], lambda: closed.append(True))

    outer = App("outer", static_folder=None)
    outer.mount("/in", application)
    got = ask_as_wsgi(outer, method) if face == "wsgi" else asyncio.run(ask_as_asgi(outer, method))
    assert got == (int(line[:3]), "1", length, sent)
    assert closed == [True]


def ask_as_wsgi(app, method):
    body, status, fields = run_wsgi_app(app, create_environ("/in/", method=method))
    pieces = b"".join(body)
    getattr(body, "close", bool)()
    return int(status[:3]), fields["X-A"], fields.get("Content-Length"), pieces


async def ask_as_asgi(app, method):
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": "/in/", "raw_path": b"/in/"}
    await app({**scope, "scheme": "http", "query_string": b"", "root_path": "", "headers": [(b"host", b"a")]}, receive, send)
    fields = {name: value.decode() for name, value in messages[0]["headers"]}
    pieces = b"".join(message.get("body", b"") for message in messages[1:])
    return messages[0]["status"], fields[b"x-a"], fields.get(b"content-length"), pieces


def test_each_mount_has_its_line_among_the_figures_of_the_routes(app, serve, caplog):  # noqa: F811 - the fixture
    """An application is one route, since it finds its way itself; an app of ours has its own, as they are seen from outside."""
    peer = serve(app.handler).connect()
    for path in ["/", "/wsgi", "/wsgi/a", "/asgi", "/asgi/a", "/inner/", "/inner/count", "/inner/count", "/inner/deeper"]:
        peer.get(path)
        assert peer.answer().status == 200
    peer.post("/asgi", b"x" * (64 * 1024 + 1))
    assert peer.answer().status == 200
    caplog.set_level(logging.INFO, "kolben.routes")
    log_figures(app.handler)
    lines = [line.split()[:5] for line in caplog.messages]
    assert " ".join(lines[0]) == "Routes: 9, of which 6"
    assert lines[1:] == [
        ["/", "GET", "index", "thread", "(measured)"],
        ["/inner/deeper/*", "any", "wsgi", "thread", "(measured)"],
        ["/inner/", "GET", "index", "thread", "(measured)"],
        ["/inner/count", "GET", "count", "task", "(pinned)"],
        ["/wsgi/*", "any", "wsgi", "thread", "(measured)"],
        ["/asgi/*", "any", "asgi", "task", "(pinned)"],
    ]
    assert [record.facts["calls"] for record in caplog.records[1:]] == [1, 1, 1, 2, 2, 3]

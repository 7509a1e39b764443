"""The app as a WSGI callable, called by PEP 3333's own checker."""

from wsgiref.validate import validator

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture
from werkzeug.routing import BaseConverter
from werkzeug.test import create_environ

from kolben.app import App
from kolben.app._plan import AppPlan, GeneralPlan
from kolben.flask import Response, current_app, g, has_request_context, request, session, stream_with_context
from kolben.http import Handler, Plan, Request
from kolben.http import Response as BaseResponse
from kolben.interop._wsgi import answer


@pytest.fixture
def app():
    app = App(__name__)

    @app.route("/", methods=["GET", "POST"])
    def index():
        return f"{request.method} {request.get_data(as_text=True)}"

    @app.route("/stream")
    def stream():
        return stream_with_context(part for part in ("a", request.path))

    @app.route("/dir/")
    def directory():
        return "dir"

    @app.route("/fail")
    def fail():
        raise RuntimeError("no")

    return app


def call(app, path="/", **options):
    environ = create_environ(path, "http://localhost/", **options)
    started = []
    chunks = validator(app)(environ, lambda status, headers, exc_info=None: started.append((status, headers)) or print)
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    return started[0][0], dict(started[0][1]), body


def test_an_answer_keeps_to_the_standard(app):
    environ_options = {"query_string": "a=1"}
    assert call(app, **environ_options) == ("200 OK", {"Content-Type": "text/html; charset=utf-8", "Content-Length": "4"}, b"GET ")


def test_a_lazy_body_is_passed_on_lazily(app):
    status, headers, body = call(app, "/stream")
    assert (status, body) == ("200 OK", b"a/stream")
    assert "Content-Length" not in headers


def test_an_exception_is_a_500(app):
    app.logger.disabled = True
    status, _, body = call(app, "/fail")
    assert status == "500 INTERNAL SERVER ERROR"
    assert b"RuntimeError" not in body


def test_middleware_wraps_the_inner_callable(app):
    inner = app.wsgi_app

    def shout(environ, start_response):
        environ["PATH_INFO"] = "/"
        return inner(environ, start_response)

    app.wsgi_app = shout
    assert app.test_client().get("/anything").text == "GET "


def test_a_base_exception_tears_down_and_goes_on(app):
    torn = []
    app.teardown_request(torn.append)
    interrupt = KeyboardInterrupt()

    @app.route("/stop")
    def stop():
        raise interrupt

    with pytest.raises(KeyboardInterrupt):
        app.test_client().get("/stop")
    assert torn == [interrupt]
    assert not request


def test_an_error_may_be_kept_from_teardown():
    class Discreet(App):
        def should_ignore_error(self, error):
            return True

    app, torn = Discreet(__name__), []
    app.logger.disabled = True
    app.teardown_request(torn.append)
    app.add_url_rule("/", "index", lambda: 1 / 0)
    assert app.test_client().get("/").status_code == 500
    assert torn == [None]


# ---------------------------------------------------------------- one plan


def note(plans):
    """Make a handler's answers known: a class that notes the plans of an app's requests."""

    class Noting(Handler):
        def __init__(self, handler):
            self.handler = handler
            self.request_class = handler.request_class

        def match(self, request):
            plans.append(self.handler.match(request))
            return plans[-1]

    return Noting


def test_a_call_walks_the_plan_that_the_server_walks(app):
    plans = []
    noting = note(plans)(app.handler)
    answer(noting, create_environ("/"), lambda status, headers: None)
    of_server = app.handler.match(app.request_class.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert type(of_server) is AppPlan
    assert plans == [of_server]


def test_a_replaced_method_is_called(app):
    app.dispatch_request = lambda: "mine"
    assert call(app)[2] == b"mine"


def test_behind_middleware_the_plan_is_the_same_one(app):
    """The server calls the outermost application, which calls ours."""
    inner, plans = app.wsgi_app, []
    app.wsgi_app = lambda environ, start_response: answer(note(plans)(app.handler), environ, start_response)
    assert call(app)[2] == b"GET "
    app.wsgi_app = inner
    call(app)
    assert type(plans[0]) is AppPlan


def test_the_teardown_comes_before_the_status(app):
    """A client never reads an answer before the teardown that commits it has run."""
    order = []
    app.teardown_request(lambda error: order.append("teardown"))
    app.after_request(lambda response: order.append("after") or response)
    for _ in app(create_environ("/"), lambda status, headers: order.append(status)):
        order.append("body")  # noqa: PERF401 - while it is iterated over
    assert order == ["after", "teardown", "200 OK", "body"]


def test_with_a_stream_the_teardown_comes_after_its_last_chunk(app):
    order = []
    app.teardown_request(lambda error: order.append("teardown"))
    chunks = app(create_environ("/stream"), lambda status, headers: order.append(status))
    for chunk in chunks:
        order.append(chunk)  # noqa: PERF402 - while it is iterated over
    chunks.close()
    assert order == ["200 OK", b"a", b"/stream", "teardown"]


def test_nothing_is_current_when_the_call_has_returned(app):
    call(app)
    assert not has_request_context()
    assert not current_app


def test_an_exception_that_a_test_wants_to_see_is_raised(app):
    app.testing, torn = True, []
    app.teardown_request(torn.append)
    with pytest.raises(RuntimeError) as raised:
        call(app, "/fail")
    assert torn == [raised.value]
    assert not has_request_context()


def test_a_path_that_is_empty_is_no_slash(app):
    """Mounted at /mount and called there, the URL of what is returned would not be that of "/": as with Flask, it is redirected to."""
    environ = create_environ("/", "http://localhost/mount/")
    environ["PATH_INFO"] = ""
    started = []
    b"".join(app(environ, lambda *args: started.append(args)))
    assert (started[0][0], dict(started[0][1])["Location"]) == ("308 PERMANENT REDIRECT", "http://localhost/mount/")
    assert call(app, "/dir")[1]["Location"] == "http://localhost/dir/"


def test_a_head_has_the_fields_of_a_get_and_no_body(app):
    assert call(app, method="HEAD")[1:] == ({"Content-Type": "text/html; charset=utf-8", "Content-Length": "5"}, b"")


def test_an_async_view_is_waited_for(app):
    pytest.importorskip("asyncio")

    @app.before_request
    async def before():
        g.word = "async"

    @app.route("/async/<name>")
    async def view(name):
        return f"{g.word} {name} {request.path}"

    assert call(app, "/async/a")[2] == b"async a /async/a"
    assert call(app)[2] == b"GET "


def test_a_class_of_requests_that_was_exchanged_is_made_at_once(app):
    class Mine(app.request_class):
        pass

    app.add_url_rule("/class", "class", lambda: type(request._get_current_object()).__name__)
    assert call(app, "/class")[2] == b"Request"
    app.request_class = Mine
    assert call(app, "/class")[2] == b"Mine"


def test_a_class_of_requests_with_a_constructor_is_made_by_it(app):
    class Mine(app.request_class):
        def __init__(self, environ, *args, **kwargs):
            environ["REQUEST_METHOD"] = "POST"
            super().__init__(environ, *args, **kwargs)

    app.request_class = Mine
    assert call(app)[2] == b"POST "


def test_what_stands_around_an_app_behind_our_own_server_sees_no_request_after_the_call(app, serve):  # noqa: F811 - the fixture
    """The server's Context for a request is used again: what the app made current must not stand in it."""
    inner, seen = app.wsgi_app, []

    def around(environ, start_response):
        for _ in range(2):
            chunks = inner(environ, start_response if seen else lambda status, headers: None)
            seen.append((bool(request), bool(current_app), has_request_context()))
        return chunks

    app.wsgi_app = around
    peer = serve(app.handler).connect()
    for _ in range(2):
        seen.clear()
        peer.get("/stream")
        assert (peer.answer().body, seen) == (b"a/stream", [(False, False, False)] * 2)


def test_an_error_of_a_converter_is_answered_by_the_app(app):
    """A handler's match() never raises: the plan meets the error where the app logs it and its handler of 500 hears of it."""

    class Broken(BaseConverter):
        def to_python(self, value):
            raise RuntimeError(value)

    app.url_map.converters["broken"] = Broken
    app.add_url_rule("/<broken:it>", "broken", lambda it: it)
    app.logger.disabled = True
    app.register_error_handler(500, lambda error: (f"handled {error.original_exception}", 500))
    native = app.request_class.from_bytes(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert app.handler.match(native).run(native).get_data() == b"handled x"
    assert call(app, "/x")[2] == b"handled x"


# ---------------------------------------------------------------- one context in another


def test_inside_of_the_apps_own_context_g_is_shared_and_the_app_not_torn_down(app):
    """As in Flask 3.1: a test looks at `g` after the call."""
    torn = []
    app.teardown_appcontext(torn.append)
    app.add_url_rule("/g", "g", lambda: setattr(g, "answer", g.question + 1) or str(current_app == app))
    with app.app_context():
        g.question = 41
        assert call(app, "/g")[2] == b"True"
        assert (g.answer, torn) == (42, [])
    assert torn == [None]


def test_inside_of_another_apps_context_each_app_is_itself(app):
    other = App("other")
    app.add_url_rule("/name", "name", lambda: f"{current_app.name} {hasattr(g, 'x')}")
    with other.app_context():
        g.x = 1
        assert call(app, "/name")[2] == f"{app.name} False".encode()
        assert current_app.name == "other"


def test_a_view_may_call_its_own_app(app):
    app.add_url_rule("/outer", "outer", lambda: f"{call(app, '/stream')[2]!r} {request.path}")
    assert call(app, "/outer")[2] == b"b'a/stream' /outer"


def test_inside_with_the_client_the_last_request_stays_current(app):
    app.secret_key = "k"
    app.add_url_rule("/set", "set", lambda: session.setdefault("user", "ada"))
    with app.test_client() as client:
        client.get("/set?a=b")
        assert (request.args["a"], session["user"]) == ("b", "ada")
    assert not has_request_context()


def test_what_is_left_current_is_given_to_a_debugger(app):
    kept = []
    for make in (lambda: None, lambda: setattr(app, "preprocess_request", lambda: None)):  # a compiled plan, and the general one
        make()
        environ = create_environ("/", environ_overrides={"werkzeug.debug.preserve_context": kept.append})
        b"".join(app(environ, lambda *args: None))
    assert [context.request.path for context in kept] == ["/", "/"]


# ---------------------------------------------------------------- responses


class Fixed(Plan):
    """Answers with one response."""

    def __init__(self, response):
        self.response = response

    def run(self, request):
        return self.response


class One(Handler):
    def __init__(self, plan):
        self.request_class = Request
        self.plan = plan

    def match(self, request):
        return self.plan


class Shouting(Response):
    def get_wsgi_headers(self, environ):
        headers = super().get_wsgi_headers(environ)
        headers["X-Loud"] = environ["PATH_INFO"]
        return headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: BaseResponse("text"),
        lambda: BaseResponse(["a", b"b"]),
        lambda: BaseResponse(iter([b"a", b"b"])),
        lambda: BaseResponse("", 204),
        lambda: BaseResponse("x", 304, {"ETag": '"a"', "Content-Type": "text/plain"}),
        lambda: BaseResponse("gone", 302, {"Location": "/é"}),
        lambda: BaseResponse([b"whole"], 299, direct_passthrough=True),
        lambda: BaseResponse("said", headers={"Content-Length": "4", "X-A": "1"}),
        lambda: Shouting("loud"),
    ],
)
def test_a_response_is_started_as_werkzeug_starts_it(make, method):
    seen = []
    for application in (make(), lambda environ, start: answer(One(Fixed(make())), environ, start)):
        started = []
        chunks = application(create_environ("/p", method=method), lambda status, headers: started.append((status, headers)))  # noqa: B023 - called here
        seen.append((started, b"".join(chunks)))
    assert seen[0] == seen[1]


def test_what_a_response_wants_closed_is_closed_with_its_chunks():
    closed = []
    response = BaseResponse("a")
    response.call_on_close(lambda: closed.append(True))
    chunks = answer(One(Fixed(response)), create_environ("/"), lambda status, headers: None)
    assert (b"".join(chunks), closed) == (b"a", [])
    chunks.close()
    assert closed == [True]


def test_general_plans_are_plans(app):
    app.preprocess_request = lambda: None
    plans = []
    assert b"".join(answer(note(plans)(app.handler), create_environ("/"), lambda status, headers: None)) == b"GET "
    assert type(plans[0]) is GeneralPlan

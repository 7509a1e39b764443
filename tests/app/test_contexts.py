"""What is current, when, and what happens when it ends."""

import threading
from contextvars import copy_context

import pytest

from kolben.app import App
from kolben.app.contexts import AppContext, RequestContext, after_this_request, copy_current_request_context
from kolben.app.globals import _cv_app, _cv_request, app_ctx, current_app, g, request, request_ctx, session
from kolben.app.streaming import stream_with_context


@pytest.fixture
def app():
    app = App(__name__)
    app.config.update(TESTING=True, SECRET_KEY="k")
    return app


@pytest.mark.parametrize("use", [lambda: g.x, lambda: current_app.name, lambda: app_ctx.app], ids=["g", "current_app", "app_ctx"])
def test_without_an_app_the_error_says_what_to_write(use):
    with pytest.raises(RuntimeError, match=r"outside of application context[\s\S]*with app\.app_context\(\):"):
        use()


@pytest.mark.parametrize("use", [lambda: request.path, lambda: session["x"], lambda: request_ctx.request])
def test_without_a_request_the_error_says_what_to_write(app, use):
    with app.app_context(), pytest.raises(RuntimeError, match=r"outside of request context[\s\S]*with app\.test_request_context\("):
        use()


def test_proxies_are_false_when_nothing_is_active():
    assert not request
    assert not current_app
    assert not request_ctx


def test_one_object_is_the_context_of_app_and_request(app):
    with app.test_request_context("/"):
        assert _cv_app.get() is _cv_request.get()
        assert isinstance(app_ctx._get_current_object(), AppContext)
        assert app_ctx.has_request
        assert app_ctx.request is request._get_current_object()


def test_a_request_inside_an_app_context_shares_its_g(app):
    torn = []
    app.teardown_appcontext(torn.append)
    with app.app_context():
        g.x = 1
        outer = app_ctx._get_current_object()
        with app.test_request_context("/"):
            assert g.x == 1
            assert app_ctx._get_current_object() is outer
            assert app_ctx.has_request
            g.y = 2
        assert torn == []
        assert not app_ctx.has_request
        assert g.y == 2
    assert torn == [None]


def test_a_request_of_another_app_has_its_own_g(app):
    other = App("other")
    with app.app_context():
        g.x = 1
        with other.test_request_context("/"):
            assert current_app == other
            assert "x" not in g
        assert current_app == app


def test_a_context_may_be_pushed_again_and_tears_down_once(app):
    order = []
    app.teardown_request(lambda e: order.append("request"))
    app.teardown_appcontext(lambda e: order.append("app"))
    with app.test_request_context("/"):
        with app_ctx, request_ctx:
            pass
        assert order == []
    assert order == ["request", "app"]


def test_popping_out_of_order_is_an_error(app):
    def pop_the_outer_one():
        outer = app.app_context()
        outer.push()
        app.app_context().push()
        outer.pop()

    with pytest.raises(AssertionError, match="Popped wrong app context"):
        copy_context().run(pop_the_outer_one)


def test_all_teardown_functions_run_whatever_the_others_raise(app):
    called = []

    def failing(name):
        def teardown(error):
            called.append(name)
            raise ValueError(name)

        return teardown

    app.teardown_request(failing("request"))
    app.teardown_appcontext(failing("app"))
    app.teardown_appcontext(lambda e: called.append("quiet"))
    with pytest.raises(ExceptionGroup, match="context teardown") as caught, app.test_request_context("/"):
        pass
    assert called == ["request", "quiet", "app"]
    assert [str(error) for error in caught.value.exceptions] == ["request", "app"]
    assert not request


def test_one_failing_teardown_function_raises_its_own_error(app):
    @app.teardown_appcontext
    def fail(error):
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"), app.app_context():
        pass


def test_a_copied_context_works_in_another_thread(app):
    @app.route("/<name>")
    def view(name):
        results = []

        @copy_current_request_context
        def work():
            results.append((request.path, request.view_args["name"], session.get("user")))

        session["user"] = "ada"
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return repr(results)

    assert app.test_client().get("/x").text == "[('/x', 'x', 'ada')]"


@pytest.mark.parametrize("use", [after_this_request, copy_current_request_context])
def test_what_needs_a_request_says_so(use):
    with pytest.raises(RuntimeError, match="when a request context is active, such as in a view function"):
        use(lambda: None)


def test_view_args_changed_by_a_preprocessor_survive_a_nested_push(app):
    @app.url_value_preprocessor
    def take(endpoint, values):
        values.pop("lang", None)

    @app.route("/<lang>/")
    def view():
        with request_ctx:
            return repr(request.view_args)

    assert app.test_client().get("/de/").text == "{}"


def test_a_context_made_the_new_way_is_a_request_context(app):
    environ = app.test_request_context("/x?a=1").request.environ
    with AppContext.from_environ(app, environ) as context:
        assert request.args["a"] == "1"
        assert isinstance(context, RequestContext)


def test_g_is_a_namespace_that_can_be_asked(app):
    with app.app_context():
        g.a = 1
        assert list(g) == ["a"]
        assert "a" in g
        assert g.get("b", 2) == 2
        assert g.setdefault("c", 3) == 3
        assert g.pop("c") == 3
        assert g.pop("c", None) is None
        assert repr(g) == f"<flask.g of '{app.name}'>"
        with pytest.raises(AttributeError, match="zebra"):
            _ = g.zebra
        with pytest.raises(KeyError):
            g.pop("zebra")


def test_a_session_is_counted_as_accessed_only_when_it_was(app):
    with app.test_request_context("/"):
        assert not request_ctx._session.accessed
        assert not request_ctx._session.modified
        session.get("x")
        assert request_ctx._session.accessed
        session["x"] = 1
        assert request_ctx._session.modified


@pytest.mark.parametrize("transport", ["wsgi", "native"])
def test_extensions_may_put_what_they_like_on_a_context(app, transport):
    """Flask: same.  Extensions that are older than `g` keep their things there."""

    def view():
        request_ctx.of_an_extension = [1]
        app_ctx.of_another = 2
        del app_ctx.of_another
        with pytest.raises(AttributeError, match="of_another"):
            _ = app_ctx.of_another
        with pytest.raises(AttributeError):
            del app_ctx.nothing
        return [request_ctx.of_an_extension, hasattr(request_ctx, "nothing")]

    app.add_url_rule("/extended", view_func=view)
    client = app.test_client()
    client.transport = transport
    assert client.get("/extended").json == [[1], False]


def test_a_view_that_makes_its_context_current_once_more_does_not_end_it(app):
    """A plan makes a context current without a push: the view's own pops are not the last."""
    torn = []
    app.teardown_request(torn.append)

    @app.route("/")
    def view():
        with app_ctx, request_ctx:
            pass
        return f"{torn} {request.environ['werkzeug.request'] is not None}"

    assert app.test_client().get("/").text == "[] True"
    assert torn == [None]


def test_a_stream_that_ends_within_the_view_tears_nothing_down(app):
    torn = []
    app.teardown_request(torn.append)
    app.add_url_rule("/", "index", lambda: "".join(stream_with_context(part for part in ("a", request.path))) + repr(torn))
    assert app.test_client().get("/").text == "a/[]"
    assert torn == [None]


def test_a_copy_has_the_session_that_its_context_opens_later(app):
    """One session per request: what a thread puts into it is saved with the answer."""

    @app.route("/")
    def view():
        work = copy_current_request_context(lambda: session.update(user="ada"))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return session["user"]

    client = app.test_client()
    assert client.get("/").text == "ada"
    assert client.get_cookie("session") is not None


def test_after_a_request_on_our_own_server_it_is_too_late_to_register(app):
    """As after one through WSGI: the first of them may have been answered otherwise."""
    app.add_url_rule("/", "index", lambda: "")
    native = app.request_class.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    copy_context().run(app.handler.match(native).run, native)
    with pytest.raises(AssertionError, match="can no longer be called"):
        app.add_url_rule("/late", "late", lambda: "")

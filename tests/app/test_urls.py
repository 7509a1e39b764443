"""url_for walks what an app has not replaced, calls what it has, and asks a request for no more than it needs."""

import copy
import gc
import inspect
import weakref
from contextvars import copy_context

import pytest
from werkzeug.routing import BuildError

from kolben.app import App
from kolben.app.globals import request_ctx
from kolben.app.urls import url_for
from kolben.app.wrappers import Request
from kolben.testing import EnvironBuilder


@pytest.fixture
def app():
    app = App(__name__)
    app.add_url_rule("/", "index", str)
    app.add_url_rule("/user/<int:id>", "user", str)
    return app


def ask_natively(app, view, head="GET /ask HTTP/1.1\r\nHost: example.com\r\n\r\n"):
    """Call a view as our server does, and return the request with what it returned."""
    answers = []
    app.add_url_rule("/ask", "ask", lambda: answers.append(view()) or "")
    request = Request.from_bytes(head.encode())
    copy_context().run(app.handler.match(request).run, request)
    return request, answers[0]


def has_environ(request):
    """Tell whether the environ was made: only then it has taken the fields over."""
    return type(request.headers).__name__ == "EnvironHeaders"


def test_a_relative_url_needs_neither_environ_nor_adapter(app):
    """A request from our server has no script root: its relative URLs are known without."""
    made = []
    app.url_map.bind_to_environ = made.append
    request, url = ask_natively(app, lambda: url_for("user", id=5, page=2, _anchor="é"))
    assert url == "/user/5?page=2#%C3%A9"
    assert not has_environ(request)
    assert made == []


@pytest.mark.parametrize("ask", [lambda: url_for("index", _external=True), lambda: url_for("index", _scheme="http")])
def test_an_absolute_url_has_the_host_of_the_request(app, ask):
    """The adapter says it, made at that moment."""
    assert ask_natively(app, ask)[1] == "http://example.com/"


def test_an_untrusted_host_is_found_out_before_a_url_is_built(app):
    """TRUSTED_HOSTS may be set at any moment, in a request too: then the adapter is made, which looks at the host."""

    def view():
        app.config["TRUSTED_HOSTS"] = ["other.test"]
        with pytest.raises(AttributeError):
            url_for("index")
        return request_ctx.request.routing_exception.code

    assert ask_natively(app, view)[1] == 400


def test_an_adapter_that_is_there_is_used(app):
    """Whoever mounts the app elsewhere for one request changes the adapter's script_name."""

    def view():
        before = url_for("index")
        request_ctx.url_adapter.script_name = "/mounted/"
        return before, url_for("index")

    assert ask_natively(app, view)[1] == ("/", "/mounted/")


def test_an_environ_that_is_there_is_used(app):
    """Whoever changes SCRIPT_NAME before an adapter was made is heard."""

    def view():
        request_ctx.request.environ["SCRIPT_NAME"] = "/mounted"
        return url_for("index")

    assert ask_natively(app, view)[1] == "/mounted/"


@pytest.mark.parametrize("where", ["instance", "class", "base class"])
def test_a_method_replaced_between_two_calls_is_called(app, where, monkeypatch):
    """What url_for rests on is looked at again after any change."""
    cls = app.__class__ = type("Mine", (App,), {})
    place = {"instance": app, "class": cls, "base class": App}[where]
    with app.test_request_context("/"):
        assert url_for("index") == app.url_for("index") == "/"
        monkeypatch.setattr(place, "inject_url_defaults", lambda *args: args[-1].update(more=1))
        assert url_for("index") == app.url_for("index") == "/?more=1"
        monkeypatch.setattr(place, "url_for", lambda *args, **values: f"mine {sorted(values)}")
        assert url_for("index", a=1) == "mine ['_anchor', '_external', '_method', '_scheme', 'a']"
        monkeypatch.undo()
        assert url_for("index") == app.url_for("index") == "/"


def test_defaults_registered_between_two_calls_are_injected(app):
    """Also those of a registry that was replaced by a plain dict, which does not tell when it changes."""
    with app.test_request_context("/"):
        assert url_for("index") == "/"
        app.url_default_functions.setdefault(None, []).append(lambda endpoint, values: values.update(a=endpoint))
        assert url_for("index") == "/?a=index"
        app.url_default_functions = {}
        assert url_for("index") == "/"
        app.url_default_functions[None] = [lambda endpoint, values: values.update(b=endpoint)]
        assert url_for("index") == "/?b=index"


def test_a_rule_added_between_two_calls_is_seen(app):
    """The map counts its changes, too."""
    with app.test_request_context("/"):
        with pytest.raises(BuildError):
            url_for("late")
        app.url_map.add(app.url_rule_class("/late", endpoint="late"))
        assert url_for("late") == "/late"


def test_another_map_is_used_once_it_is_there(app):
    """An app's map may be replaced as a whole."""

    def view():
        before = url_for("index")
        app.url_map = app.url_map_class([app.url_rule_class("/other", endpoint="index")])
        return before, url_for("index")

    assert ask_natively(app, view)[1] == ("/", "/other")


def test_a_copied_app_does_not_follow_the_first(app):
    """copy.copy takes along what the first app knew about itself."""
    with app.test_request_context("/"):
        assert app.url_for("index") == "/"
    other = copy.copy(app)
    other.__dict__["url_for"] = lambda endpoint, **values: "mine"
    with other.test_request_context("/"):
        assert url_for("index") == "mine"


def test_an_app_is_freed_without_the_collector():
    """What url_for keeps of an app does not hold it."""
    gc.collect()
    app = App(__name__)
    app.add_url_rule("/", "index", str)
    with app.test_request_context("/"):
        assert url_for("index") == "/"
    gone = weakref.ref(app)
    gc.disable()
    try:
        del app
        assert gone() is None
    finally:
        gc.enable()


def test_the_request_of_another_app_decides_where_it_is_mounted(app):
    """With another app's context in a request, the current app is that one, the adapter the request's: as in Flask."""
    other = App(__name__)
    other.inject_url_defaults = lambda endpoint, values: values.update(by="other")
    with app.test_request_context("/", base_url="http://localhost/mounted"), other.app_context():
        assert url_for("user", id=1) == "/mounted/user/1?by=other"


def test_any_name_may_stand_in_the_query(app):
    """The parameters of the functions take no name away."""
    with app.test_request_context("/"):
        assert url_for("index", self=1, app=2, values=3) == "/?self=1&app=2&values=3"
        assert app.url_for("index", self=1, app=2, values=3) == "/?self=1&app=2&values=3"
        assert url_for(endpoint="index") == app.url_for(endpoint="index") == "/"


def test_outside_of_any_app_the_error_says_what_to_write():
    """As for every name that means the current one."""
    with pytest.raises(RuntimeError, match="outside of application context"):
        url_for("index")


def test_the_functions_show_their_signatures():
    """Extensions and editors read them."""
    assert list(inspect.signature(url_for).parameters) == ["endpoint", "_anchor", "_method", "_scheme", "_external", "values"]
    assert list(inspect.signature(App(__name__).url_for).parameters) == list(inspect.signature(url_for).parameters)
    assert App.url_for.__name__ == "url_for"
    assert App.url_for.__doc__.startswith("Build the URL")


@pytest.mark.parametrize(("host", "status"), [("\x8a", 400), ("b\u00fccher.example", 200), ("a" * 64 + ".example", 400)])
def test_a_host_that_can_be_no_name_is_refused(host, status):
    """A Host with an invalid value is answered with 400 (RFC 9112, section 3.2); letters of other alphabets are none of it."""
    app = App(__name__)
    app.add_url_rule("/", view_func=lambda: "")
    with app.request_context({**EnvironBuilder(app).get_environ(), "HTTP_HOST": host}):
        assert app.full_dispatch_request().status_code == status

"""Any overridable method, replaced on class or instance, at any moment, is called."""

import pytest

from kolben.app import App
from kolben.app.contexts import AppContext
from kolben.app.shapes import CONTEXT_METHODS

# Method, and a request that must come by it.
BY = {
    "wsgi_app": "/",
    "request_context": "/",
    "app_context": "/",
    "async_to_sync": "/async",
    "create_url_adapter": "/",
    "full_dispatch_request": "/",
    "preprocess_request": "/",
    "dispatch_request": "/",
    "ensure_sync": "/",
    "make_response": "/",
    "finalize_request": "/",
    "process_response": "/",
    "do_teardown_request": "/",
    "do_teardown_appcontext": "/",
    "should_ignore_error": "/fail",
    "handle_user_exception": "/fail",
    "handle_exception": "/fail",
    "log_exception": "/fail",
    "handle_http_exception": "/abort",
    "trap_http_exception": "/abort",
    "raise_routing_exception": "/missing",
    "make_default_options_response": "OPTIONS /",
    "url_for": "/url",
    "inject_url_defaults": "/url",
    "handle_url_build_error": "/bad-url",
    "redirect": "/redirect",
    "update_template_context": "/template",
    "create_jinja_environment": "/template",
    "select_jinja_autoescape": "/template",
    "create_global_jinja_loader": "/template",
    "send_static_file": "/static/x.txt",
    "get_send_file_max_age": "/static/x.txt",
}
AT_START = {"create_jinja_environment", "select_jinja_autoescape", "create_global_jinja_loader"}  # called once


def build(cls=App, root="."):
    app = cls(__name__, root_path=str(root))
    app.logger.disabled = True

    @app.route("/")
    def index():
        return "index"

    @app.route("/async")
    async def waits():
        return "waited"

    @app.route("/fail")
    def fail():
        raise RuntimeError("no")

    @app.route("/abort")
    def abort():
        from kolben.flask import abort

        abort(418)

    @app.route("/url")
    def url():
        from kolben.flask import url_for

        return url_for("index")

    @app.route("/bad-url")
    def bad_url():
        from kolben.flask import url_for

        return url_for("nothing")

    @app.route("/redirect")
    def redirect():
        from kolben.flask import redirect

        return redirect("/")

    @app.route("/template")
    def template():
        from kolben.flask import render_template_string

        return render_template_string("{{ 1 }}")

    return app


def ask(app, target, transport="wsgi"):
    method, _, path = target.rpartition(" ")
    client = app.test_client()
    client.transport = transport
    return client.open(path, method=method or "GET", buffered=True)


def recording(name, calls):
    original = getattr(App, name)

    def replaced(self, *args, **kwargs):
        calls.append(name)
        return original(self, *args, **kwargs)

    return replaced


@pytest.fixture
def root(tmp_path):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "x.txt").write_text("x")
    return tmp_path


@pytest.mark.parametrize("warm", [False, True], ids=["before", "after the first request"])
@pytest.mark.parametrize("name", BY)
def test_a_method_replaced_on_the_instance_is_called(name, warm, root):
    app, calls = build(root=root), []
    if warm and name not in AT_START:
        ask(app, BY[name])
    setattr(app, name, recording(name, calls).__get__(app))
    ask(app, BY[name])
    assert calls


@pytest.mark.parametrize("warm", [False, True], ids=["before", "after the first request"])
@pytest.mark.parametrize("name", BY)
def test_a_method_replaced_on_the_class_is_called(name, warm, root, monkeypatch):
    app, calls = build(root=root), []
    if warm and name not in AT_START:
        ask(app, BY[name])
    monkeypatch.setattr(App, name, recording(name, calls))
    ask(app, BY[name])
    assert calls


@pytest.mark.parametrize("name", BY)
def test_a_method_overridden_in_a_subclass_is_called(name, root):
    calls = []
    ask(build(type("Mine", (App,), {name: recording(name, calls)}), root), BY[name])
    assert calls


# -- The announced shape of Flask 3.2: a context comes first


def in_the_new_shape(name, seen):
    original = getattr(App, name)

    def override(self, ctx, *args, **kwargs):
        seen.append(ctx)
        return original(self, ctx, *args, **kwargs)

    return override


WITH_CONTEXT = [
    "full_dispatch_request", "preprocess_request", "dispatch_request", "finalize_request", "process_response", "do_teardown_request",
    "do_teardown_appcontext", "handle_user_exception", "handle_exception", "log_exception", "handle_http_exception",
    "make_default_options_response", "update_template_context",
]  # fmt: skip


BOTH = pytest.mark.parametrize("transport", ["wsgi", "native"])


@BOTH
@pytest.mark.parametrize("name", WITH_CONTEXT)
def test_an_override_that_takes_a_context_gets_the_active_one(name, root, transport):
    seen = []
    answer = ask(build(type("Mine", (App,), {name: in_the_new_shape(name, seen)}), root), BY[name], transport)
    assert isinstance(seen[0], AppContext)
    assert answer.status_code == ask(build(root=root), BY[name]).status_code


def test_every_method_that_takes_a_context_is_tried():
    assert set(WITH_CONTEXT) == CONTEXT_METHODS


@BOTH
@pytest.mark.parametrize("name", WITH_CONTEXT)
def test_one_that_is_put_on_the_class_while_it_serves_gets_the_active_one(name, root, transport, monkeypatch):
    app, seen = build(root=root), []
    before = ask(app, BY[name], transport)
    monkeypatch.setattr(App, name, in_the_new_shape(name, seen))
    answer = ask(app, BY[name], transport)
    assert isinstance(seen[0], AppContext)
    assert answer.status_code == before.status_code


@BOTH
@pytest.mark.parametrize("warm", [False, True], ids=["before", "after the first request"])
def test_a_replacement_on_the_instance_may_take_a_context_too(transport, warm):
    app, seen = build(), []

    def dispatch_request(ctx):
        seen.append(ctx.request.path)
        return App.dispatch_request(app, ctx)

    if warm:
        ask(app, "/", transport)
    app.dispatch_request = dispatch_request
    assert ask(app, "/", transport).text == "index"
    assert seen == ["/"]


@BOTH
def test_both_shapes_may_be_mixed_in_one_line_of_inheritance(transport):
    class New(App):
        def handle_user_exception(self, ctx: AppContext, e):
            return super().handle_user_exception(ctx, e)

    class Old(New):
        def handle_user_exception(self, e):
            return super().handle_user_exception(e)

    app = build(Old)
    assert ask(app, "/abort", transport).status_code == 418

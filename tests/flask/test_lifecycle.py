"""Flask's pages "Application Structure and Lifecycle", "Request Context", "Signals"."""

import pytest

from kolben.flask import (
    Blueprint,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    g,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
)

SIGNALS = [appcontext_pushed, request_started, request_finished, request_tearing_down, appcontext_tearing_down, appcontext_popped]


def nested(app):
    """Register an outer and an inner blueprint, and note the order of everything."""
    order = []
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    for scaffold, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
        scaffold.url_value_preprocessor(lambda endpoint, values, name=name: order.append(f"values {name}"))
        scaffold.before_request(lambda name=name: order.append(f"before {name}"))
        scaffold.after_request(lambda response, name=name: (order.append(f"after {name}"), response)[1])
        scaffold.teardown_request(lambda error, name=name: order.append(f"teardown {name}"))

    @inner.route("/")
    def view():
        after_this_request(lambda response: (order.append("after this"), response)[1])
        order.append("view")
        return "ok"

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return order


def test_the_order_of_everything(app, client):
    order = nested(app)
    app.teardown_appcontext(lambda error: order.append("teardown context"))
    assert client.get("/").text == "ok"
    assert order == [
        "values app", "values outer", "values inner",
        "before app", "before outer", "before inner",
        "view",
        "after this", "after inner", "after outer", "after app",
        "teardown inner", "teardown outer", "teardown app",
        "teardown context",
    ]  # fmt: skip


def test_functions_after_the_view_go_backwards(app, client):
    order = []
    for number in (1, 2):
        app.before_request(lambda number=number: order.append(("before", number)))
        app.after_request(lambda response, number=number: (order.append(("after", number)), response)[1])
        app.teardown_request(lambda error, number=number: order.append(("teardown", number)))
    client.get("/missing")
    assert order == [("before", 1), ("before", 2), ("after", 2), ("after", 1), ("teardown", 2), ("teardown", 1)]


def test_a_before_request_function_may_answer(app, client):
    called = []
    app.before_request(lambda: ("stop", 403))
    app.before_request(lambda: called.append("second"))
    app.after_request(lambda response: (called.append("after"), response)[1])
    app.add_url_rule("/", "index", lambda: called.append("view"))
    assert client.get("/").status_code == 403
    assert called == ["after"]


def test_signals_come_in_order(app, client):
    order = []
    app.add_url_rule("/", "index", lambda: "")
    receivers = [(signal, lambda sender, name=signal.name, **data: order.append(name)) for signal in SIGNALS]
    for signal, receiver in receivers:
        signal.connect(receiver, app)
    client.get("/")
    for signal, receiver in receivers:
        signal.disconnect(receiver, app)
    assert order == [
        "appcontext-pushed", "request-started", "request-finished", "request-tearing-down", "appcontext-tearing-down", "appcontext-popped",
    ]  # fmt: skip


def test_the_session_is_saved_after_the_after_request_functions(app, client):
    @app.after_request
    def late(response):
        session["late"] = True
        return response

    app.add_url_rule("/", "index", lambda: "")
    assert "session=" in client.get("/").headers["Set-Cookie"]


def test_teardown_gets_the_error_or_none(quiet_app):
    errors = []
    quiet_app.teardown_request(errors.append)
    quiet_app.add_url_rule("/ok", "ok", lambda: "")
    quiet_app.add_url_rule("/fail", "fail", lambda: 1 / 0)
    quiet_app.add_url_rule("/handled", "handled", lambda: {}["x"])
    quiet_app.register_error_handler(KeyError, lambda e: "handled")
    for path in ("/ok", "/fail", "/handled"):
        quiet_app.test_client().get(path)
    assert [type(error) for error in errors] == [type(None), ZeroDivisionError, type(None)]


@pytest.fixture
def quiet_app(app, caplog):
    app.testing = False
    return app


def test_g_lives_for_one_request(app, client):
    @app.route("/")
    def index():
        g.count = g.get("count", 0) + 1
        return str(g.count)

    assert client.get("/").text == client.get("/").text == "1"


def test_url_processors(app, client):
    @app.url_value_preprocessor
    def take(endpoint, values):
        g.lang = values.pop("lang", None)

    @app.url_defaults
    def give(endpoint, values):
        if app.url_map.is_endpoint_expecting(endpoint, "lang"):
            values.setdefault("lang", g.lang)

    @app.route("/<lang>/")
    def index():
        from kolben.flask import url_for

        return f"{g.lang} {url_for('about')}"

    app.add_url_rule("/<lang>/about", "about", lambda: "")
    assert client.get("/de/").text == "de /de/about"


def test_an_async_view_between_async_hooks(app, client):
    @app.before_request
    async def before():
        g.x = 1

    @app.after_request
    async def after(response):
        response.headers["X"] = str(g.x)
        return response

    @app.errorhandler(KeyError)
    async def missing(error):
        return "handled"

    @app.route("/")
    async def index():
        return request.args["name"]

    @app.route("/error")
    async def error():
        raise KeyError

    answer = client.get("/?name=ada")
    assert (answer.text, answer.headers["X"]) == ("ada", "1")
    assert client.get("/error").text == "handled"

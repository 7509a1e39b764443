"""Whatever of Flask's overridable methods is replaced, wherever and whenever, is called; once it is put back, it is not.

By WSGI calls and natively, over random histories: replacing on the class or on the instance, putting back, requests in between.
The methods are those that Flask documents as overridable and those that extensions are known to replace, on the app and on what it
holds: session interface, JSON provider, response class, Jinja environment.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.test_replacing import AT_START, BY
from tests.app.test_replacing import build as build_pages

from kolben.flask import Flask, Response, jsonify, request, session
from kolben.flask.json.provider import DefaultJSONProvider
from kolben.flask.sessions import SecureCookieSessionInterface
from kolben.testing import FlaskClient

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "10"))

# Whose method, and a request that must come by it.
OF_THE_APP = {("app", name): target for name, target in BY.items() if name not in AT_START}
OF_WHAT_IT_HOLDS = {
    ("session_interface", "open_session"): "/session",
    ("session_interface", "save_session"): "/session",
    ("session_interface", "is_null_session"): "/session",
    ("session_interface", "should_set_cookie"): "/session",
    ("session_interface", "get_cookie_name"): "/session",
    ("session_interface", "get_signing_serializer"): "/session",
    ("json", "dumps"): "/dict",
    ("json", "response"): "/jsonify",
    ("json", "loads"): "POST /json",
    ("jinja_env", "get_template"): "/file",
    ("jinja_env", "from_string"): "/template",
    ("response_class", "get_wsgi_headers"): "/response",
    ("response_class", "set_cookie"): "/session",
}
TARGETS = OF_THE_APP | OF_WHAT_IT_HOLDS
ON_INSTANCES = [(owner, name, "instance") for owner, name in TARGETS if owner != "response_class"]
ON_CLASSES = [(owner, name, "class") for owner, name in TARGETS]
STEPS = st.lists(st.tuples(st.sampled_from(["replace", "put back", "only ask"]), st.sampled_from(ON_INSTANCES + ON_CLASSES)), max_size=12)


def build(root):
    """Make an app of a class of its own, with classes of its own behind it: what is patched is nobody else's."""

    class OwnResponse(Response):
        pass

    class OwnSessions(SecureCookieSessionInterface):
        pass

    class Own(Flask):
        response_class = OwnResponse
        session_interface = OwnSessions()
        jinja_environment = type("OwnEnvironment", (Flask.jinja_environment,), {})
        json_provider_class = type("OwnProvider", (Flask.json_provider_class,), {})

    app = build_pages(Own, root)
    app.secret_key = "k"
    app.add_url_rule("/session", "session", lambda: session.update(n=session.get("n", 0) + 1) or "")
    app.add_url_rule("/dict", "dict", lambda: {"a": 1})
    app.add_url_rule("/jsonify", "jsonify", lambda: jsonify(a=1))
    app.add_url_rule("/json", "json", lambda: str(request.get_json()), methods=["POST"])
    app.add_url_rule("/response", "response", lambda: OwnResponse("x"))
    app.add_url_rule("/file", "file", lambda: app.jinja_env.get_template("page.html").render())
    return app


def home_of(app, owner, where):
    thing = app if owner == "app" else getattr(app, owner)
    return thing if where == "instance" or owner == "response_class" else type(thing)


def recording(key, original, calls):
    def replaced(*args, **kwargs):
        calls.add(key)
        return original(*args, **kwargs)

    return replaced


def ask(app, target, transport):
    client = FlaskClient(app, app.response_class)
    client.transport = transport
    method, _, path = target.rpartition(" ")
    return client.open(path, method=method or "GET", json=[1] if method == "POST" else None, buffered=True).status_code


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("app")
    for name in ("static/x.txt", "templates/page.html"):
        (root / name).parent.mkdir()
        (root / name).write_text("x")
    return root


class History:
    """An app, what was replaced in it, and a request after each step."""

    def __init__(self, root, transport):
        self.app, self.transport = build(root), transport
        self.calls, self.replaced, self.statuses = set(), set(), {}

    def step(self, action, key):
        owner, name, where = key
        home = home_of(self.app, owner, where)
        if action == "replace" and key not in self.replaced:
            setattr(home, name, recording(key, getattr(home, name), self.calls))
            self.replaced.add(key)
        elif action == "put back" and key in self.replaced:
            delattr(home, name)
            self.replaced.discard(key)
        self.ask(key)

    def ask(self, key):
        target = TARGETS[key[:2]]
        self.calls.clear()
        status = ask(self.app, target, self.transport)
        assert self.statuses.setdefault(target, status) == status
        if key not in self.replaced:
            assert key not in self.calls
        elif not is_hidden(key, self.replaced):
            assert key in self.calls


@pytest.mark.parametrize("transport", ["wsgi", "native"])
@pytest.mark.parametrize("key", ON_INSTANCES + ON_CLASSES, ids="-".join)
def test_what_is_replaced_after_a_request_is_called_until_it_is_put_back(root, transport, key):
    """Architecture, D4: a plan is a cache; the registries, the class and the instance are the truth."""
    history = History(root, transport)
    for action in ("only ask", "replace", "put back"):
        history.step(action, key)


@pytest.mark.parametrize("transport", ["wsgi", "native"])
@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS)
def test_so_it_is_in_any_order(root, transport, steps):
    """The same over histories."""
    history = History(root, transport)
    for action, key in steps:
        history.step(action, key)


def is_hidden(key, replaced):
    """The class's method is not called where the instance has another that was made before it."""
    owner, name, where = key
    return where == "class" and (owner, name, "instance") in replaced


@pytest.mark.parametrize("transport", ["wsgi", "native"])
@pytest.mark.parametrize("name", ["dumps", "response"])
@pytest.mark.parametrize("cls", [DefaultJSONProvider, SecureCookieSessionInterface], ids=lambda cls: cls.__name__)
def test_a_patch_of_kolbens_own_class_is_called(root, transport, cls, name, monkeypatch):
    """As a test or an instrument patches it: while apps of all kinds serve already."""
    if cls is SecureCookieSessionInterface:
        name = {"dumps": "open_session", "response": "save_session"}[name]
    target = {"dumps": "/dict", "response": "/jsonify"}.get(name, "/session")
    app, calls = build(root), set()
    app.json, app.session_interface = DefaultJSONProvider(app), SecureCookieSessionInterface()
    before = ask(app, target, transport)
    monkeypatch.setattr(cls, name, recording(name, getattr(cls, name), calls))
    assert ask(app, target, transport) == before
    assert calls == {name}

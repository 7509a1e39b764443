"""Whatever of Flask's classes somebody overrides, in a subclass or on one object, is called.  The lists are complete: a method that stands
in none of them fails the last test.

What is called while a request is answered stands in tests/app/test_replacing.py (BY), and is replaced there at any moment, by both
transports.  Here is what is called by other methods, and what only users call.
"""

import io
import sys
from types import SimpleNamespace

import click
import pytest
from tests.app.test_replacing import BY

from kolben.flask import Blueprint, Flask, current_app, request, session
from kolben.flask.blueprints import BlueprintSetupState
from kolben.flask.cli import ScriptInfo, shell_command
from kolben.flask.config import Config
from kolben.flask.json.provider import DefaultJSONProvider, JSONProvider
from kolben.flask.sessions import SecureCookieSessionInterface, SessionInterface
from kolben.flask.testing import FlaskClient, FlaskCliRunner
from kolben.flask.views import MethodView, View


def view():
    return "answer"


def app_with(**methods):
    """Make an app of a subclass of its own."""
    app = type("Own", (Flask,), methods)(__name__)
    app.secret_key = "k"
    return app


def shell_of(app):
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(sys, "__interactivehook__", raising=False)
        result = app.test_cli_runner().invoke(shell_command, input="", obj=ScriptInfo(create_app=lambda: app))
    assert result.exit_code == 0, result.output


# Method of the app: what calls it.
OF_APPS = {
    "add_template_filter": lambda app: app.template_filter("own")(str),
    "add_template_global": lambda app: app.template_global("own")(str),
    "add_template_test": lambda app: app.template_test("own")(bool),
    "add_url_rule": lambda app: app.get("/new")(view),
    "auto_find_instance_path": lambda app: type(app)(__name__),
    "iter_blueprints": lambda app: app.jinja_env.loader.list_templates(),
    "make_aborter": lambda app: type(app)(__name__),
    "make_config": lambda app: type(app)(__name__),
    "make_shell_context": shell_of,
    "register_error_handler": lambda app: app.errorhandler(404)(view),
    "route": lambda app: app.route("/new")(view),
}
AT_CONSTRUCTION = {"auto_find_instance_path", "make_aborter", "make_config"}
BY_USERS = {  # nothing inside calls them: who replaces one calls it
    "add_background_task", "ftp", "lifespan", "mount", "on_shutdown", "on_startup", "run_lifespan", "spawn", "tcp", "tls", "udp", "unix",
    "after_request", "before_request", "context_processor", "delete", "endpoint", "errorhandler", "get", "open_instance_resource",
    "open_resource", "patch", "post", "put", "register_blueprint", "run", "shell_context_processor", "teardown_appcontext",
    "teardown_request", "template_filter", "template_global", "template_test", "test_cli_runner", "test_client", "test_request_context",
    "url_defaults", "url_value_preprocessor",
}  # fmt: skip


def public(cls, *above):
    """The public methods of a class, but for those of classes that are not Flask's."""
    names = {name for name in dir(cls) if not name.startswith("_")} - {name for one in above for name in dir(one)}
    return {name for name in names if callable(vars_of(cls).get(name)) or isinstance(vars_of(cls).get(name), classmethod | staticmethod)}


def vars_of(cls):
    return {name: value for one in reversed(cls.__mro__) for name, value in vars(one).items() if not isinstance(value, type)}


def recording(name, original, calls):
    def replaced(*args, **kwargs):
        calls.append(name)
        return original(*args, **kwargs)

    return replaced


@pytest.mark.parametrize("name", OF_APPS)
def test_a_method_of_the_app_that_a_subclass_overrides_is_called(name):
    calls = []
    app = app_with(**{name: recording(name, getattr(Flask, name), calls)})
    calls.clear()
    OF_APPS[name](app)
    assert calls


@pytest.mark.parametrize("name", [name for name in OF_APPS if name not in AT_CONSTRUCTION])
def test_a_method_of_the_app_that_is_replaced_on_it_is_called(name):
    calls = []
    app = app_with()
    setattr(app, name, recording(name, getattr(app, name), calls))
    OF_APPS[name](app)
    assert calls


# Method of a blueprint: what calls it.
OF_BLUEPRINTS = {
    "add_app_template_filter": lambda bp: bp.app_template_filter("own")(str),
    "add_app_template_global": lambda bp: bp.app_template_global("own")(str),
    "add_app_template_test": lambda bp: bp.app_template_test("own")(bool),
    "add_url_rule": lambda bp: bp.get("/new")(view),
    "get_send_file_max_age": lambda bp: ask_in(bp, f"/static/{STATIC}"),
    "make_setup_state": lambda bp: app_with().register_blueprint(bp),
    "record": lambda bp: bp.before_app_request(view) and bp.record_once(print),
    "record_once": lambda bp: bp.before_app_request(view),
    "register": lambda bp: app_with().register_blueprint(bp),
    "register_error_handler": lambda bp: bp.errorhandler(404)(view),
    "route": lambda bp: bp.route("/new")(view),
    "send_static_file": lambda bp: ask_in(bp, f"/static/{STATIC}"),
}
BLUEPRINTS_BY_USERS = {
    "after_app_request", "after_request", "app_context_processor", "app_errorhandler", "app_template_filter", "app_template_global",
    "app_template_test", "app_url_defaults", "app_url_value_preprocessor", "before_app_request", "before_request", "context_processor",
    "delete", "endpoint", "errorhandler", "get", "open_resource", "patch", "post", "put", "register_blueprint", "tcp",
    "teardown_app_request", "teardown_request", "tls", "udp", "unix", "url_defaults", "url_value_preprocessor",
}  # fmt: skip
STATIC = "surface.txt"


def ask_in(blueprint, path):
    app = app_with()
    app.register_blueprint(blueprint, url_prefix="/shop")
    app.test_client().get(f"/shop{path}").close()


def blueprint_of(cls):
    return cls("shop", __name__, static_folder=".", static_url_path="/static")


@pytest.mark.parametrize("name", OF_BLUEPRINTS)
@pytest.mark.parametrize("where", ["subclass", "instance"])
def test_a_method_of_a_blueprint_that_is_replaced_is_called(name, where):
    calls = []
    if where == "subclass":
        blueprint = blueprint_of(type("Own", (Blueprint,), {name: recording(name, getattr(Blueprint, name), calls)}))
    else:
        blueprint = blueprint_of(Blueprint)
        setattr(blueprint, name, recording(name, getattr(blueprint, name), calls))
    calls.clear()
    OF_BLUEPRINTS[name](blueprint)
    assert calls


def test_a_blueprints_own_setup_state_makes_its_rules():
    """Flask-RESTful and RESTX put a function in the place of one state's add_url_rule; Flask-Admin has a class of its own."""
    rules = []

    class State(BlueprintSetupState):
        def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
            rules.append(rule)
            super().add_url_rule(f"{rule}-own", endpoint, view_func, **options)

    class Own(Blueprint):
        def make_setup_state(self, app, options, first_registration=False):
            return State(self, app, options, first_registration)

    blueprint = Own("shop", __name__)
    blueprint.get("/new")(view)
    blueprint.record(lambda state: setattr(state, "add_url_rule", lambda rule, *args, **options: rules.append(f"patched {rule}")))
    blueprint.get("/later")(view)
    app = app_with()
    app.register_blueprint(blueprint)
    assert rules == ["/new", "patched /later"]
    assert app.test_client().get("/new-own").text == "answer"


# Method of a session interface, and what the session is when it is asked.
OF_SESSIONS = {
    "get_cookie_domain": {"a": 1}, "get_cookie_httponly": {"a": 1}, "get_cookie_name": {"a": 1}, "get_cookie_partitioned": {"a": 1},
    "get_cookie_path": {"a": 1}, "get_cookie_samesite": {"a": 1}, "get_cookie_secure": {"a": 1}, "get_expiration_time": {"a": 1},
    "get_signing_serializer": {"a": 1}, "is_null_session": {}, "make_null_session": None, "open_session": {}, "save_session": {},
    "should_set_cookie": {"a": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", OF_SESSIONS)
@pytest.mark.parametrize("where", ["subclass", "instance", "instance, after a request", "Kolben's own class", "that, after a request"])
@pytest.mark.parametrize("transport", ["wsgi", "native"])
def test_a_method_of_the_session_interface_that_is_replaced_is_called(name, where, transport, monkeypatch):
    """Also where no view looks at the session: a custom interface is opened for every request, as with Flask."""
    calls, content = [], OF_SESSIONS[name]
    app = app_with()
    app.secret_key = None if content is None else "k"
    app.add_url_rule("/", "index", lambda: (session.update(content) if content else None) or "answer")
    app.session_interface = SecureCookieSessionInterface()
    client = app.test_client()
    client.transport = transport
    if "after" in where:
        client.get("/")
    target = app.session_interface if "instance" in where else SecureCookieSessionInterface
    if where == "subclass":
        app.session_interface = type("Own", (SecureCookieSessionInterface,), {name: recording(name, getattr(target, name), calls)})()
    else:
        monkeypatch.setattr(target, name, recording(name, getattr(target, name), calls))
    assert client.get("/").text == "answer"
    assert calls


def dump_by_module(app):
    from kolben.flask import json

    with app.app_context():
        json.dump(1, io.StringIO())


def load_by_module(app):
    from kolben.flask import json

    with app.app_context():
        json.load(io.StringIO("1"))


def jsonify_in(app):
    from kolben.flask import jsonify

    with app.test_request_context():
        jsonify(1)


OF_JSON = {
    "default": lambda app: app.json.dumps({1, 2}),
    "dump": dump_by_module,
    "dumps": lambda app: app.json.dump(1, io.StringIO()),
    "load": load_by_module,
    "loads": lambda app: app.json.load(io.StringIO("1")),
    "response": jsonify_in,
}


@pytest.mark.parametrize("name", OF_JSON)
def test_a_method_of_the_json_provider_that_is_replaced_is_called(name):
    calls = []
    app = app_with()
    original = list if name == "default" else getattr(DefaultJSONProvider, name)
    replaced = recording(name, original, calls)
    app.json = type("Own", (DefaultJSONProvider,), {name: staticmethod(replaced) if name == "default" else replaced})(app)
    OF_JSON[name](app)
    assert calls
    calls.clear()
    app.json = DefaultJSONProvider(app)
    setattr(app.json, name, recording(name, list if name == "default" else getattr(app.json, name), calls))
    OF_JSON[name](app)
    assert calls


OF_CONFIGS = {  # method: what calls it, with a file of settings
    "from_file": None, "from_mapping": lambda config, file: config.from_file(file, load=lambda read: {"A": 1}), "from_envvar": None,
    "from_object": lambda config, file: config.from_pyfile(file), "from_prefixed_env": None, "get_namespace": None,
    "from_pyfile": lambda config, file: config.from_envvar("SETTINGS"),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, call in OF_CONFIGS.items() if call])
def test_a_method_of_the_config_that_is_overridden_is_called(name, tmp_path, monkeypatch):
    calls = []
    (tmp_path / "settings.py").write_text("A = 1")
    monkeypatch.setenv("SETTINGS", str(tmp_path / "settings.py"))
    app = app_with(config_class=type("Own", (Config,), {name: recording(name, getattr(Config, name), calls)}))
    OF_CONFIGS[name](app.config, str(tmp_path / "settings.py"))
    assert calls


def test_a_test_clients_methods_are_called():
    calls = []
    names = ("open", "session_transaction", "run_wsgi_app")
    app = app_with()
    app.add_url_rule("/", "index", view)
    app.test_client_class = type("Own", (FlaskClient,), {name: recording(name, getattr(FlaskClient, name), calls) for name in names})
    with app.test_client().session_transaction() as opened:
        opened["a"] = 1
    app.test_client().get("/")
    assert set(calls) == set(names)


def test_a_runners_invoke_is_called():
    calls = []
    app = app_with()
    app.test_cli_runner_class = type("Own", (FlaskCliRunner,), {"invoke": recording("invoke", FlaskCliRunner.invoke, calls)})
    app.test_cli_runner().invoke(click.Command("nothing"))
    assert calls == ["invoke"]


def test_methods_of_views_are_called():
    calls = []

    class Shelf(MethodView):
        def get(self):
            return "shelf"

        def dispatch_request(self, **kwargs):
            calls.append("dispatch_request")
            return super().dispatch_request(**kwargs)

        @classmethod
        def as_view(cls, name, *args, **kwargs):
            calls.append("as_view")
            return super().as_view(name, *args, **kwargs)

    app = app_with()
    app.add_url_rule("/shelf", view_func=Shelf.as_view("shelf"))
    assert app.test_client().get("/shelf").text == "shelf"
    assert calls == ["as_view", "dispatch_request"]


def read_json():
    return request.get_json()


# Of requests and responses: what is called on the way of one request.
OF_REQUESTS = {
    "on_json_loading_failed": read_json,
    "make_form_data_parser": lambda: request.form.get("a"),
    "_load_form_data": lambda: request.form.get("a"),
    "get_data": lambda: request.get_json(silent=True),
    "close": lambda: None,
    "__init__": lambda: None,
}
OF_RESPONSES = {
    "__init__": lambda: "text", "__call__": lambda: "text", "get_wsgi_headers": lambda: "text", "get_app_iter": lambda: "text",
    "get_wsgi_response": lambda: "text", "iter_encoded": lambda: "text", "set_cookie": lambda: session.update(a=1) or "text",
    "force_type": lambda: SimpleNamespace, "close": lambda: "text", "set_data": lambda: "text",
}  # fmt: skip


def application(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]


@pytest.mark.parametrize("transport", ["wsgi", "native"])
@pytest.mark.parametrize("when", ["subclass", "after a request"])
@pytest.mark.parametrize(
    ("of", "name"), [("request_class", name) for name in OF_REQUESTS] + [("response_class", name) for name in OF_RESPONSES]
)
def test_a_method_of_requests_or_responses_that_is_replaced_is_called(of, name, when, transport):
    calls = []
    app = app_with()
    cls = type("Own", (getattr(Flask, of),), {})
    original = getattr(cls, name)
    replaced = recording(name, original, calls)
    replaced = staticmethod(replaced) if name == "force_type" else replaced
    setattr(app, of, cls)

    def index():
        if of == "request_class":
            OF_REQUESTS[name]()
            return "answer"
        rv = OF_RESPONSES[name]()
        return application if rv is SimpleNamespace else rv

    app.add_url_rule("/", "index", index, methods=["POST"])
    client = app.test_client()
    client.transport = transport
    kind = {"data": {"a": "1"}} if "form" in name else {"data": "{", "content_type": "application/json"}

    def ask():
        client.post("/", buffered=True, **kind).close()

    if when == "after a request":
        ask()
    setattr(cls, name, replaced)
    ask()
    assert calls


def test_every_method_is_in_a_list():
    """A method that comes with a new version has to be put into one of them."""
    assert public(Flask) == {*BY, *OF_APPS, *BY_USERS} - {"__call__"}
    assert public(Blueprint) == {*OF_BLUEPRINTS, *BLUEPRINTS_BY_USERS}
    assert public(BlueprintSetupState) == {"add_url_rule"}
    assert public(SessionInterface) | public(SecureCookieSessionInterface) == set(OF_SESSIONS) | {"digest_method"}
    assert public(JSONProvider) | public(DefaultJSONProvider) == set(OF_JSON) | {"encoder", "is_plain"}
    assert public(Config, dict) == set(OF_CONFIGS)
    assert public(View) | public(MethodView) == {"as_view", "dispatch_request"}


def test_what_the_proxies_give_is_what_was_replaced():
    app = app_with()
    app.make_response = lambda rv: "own"
    with app.app_context():
        assert current_app.make_response("x") == "own"

"""Flask's page "Modular Applications with Blueprints"."""

import pytest

from kolben.app.blueprints import BlueprintSetupState
from kolben.flask import Blueprint, request, url_for


def make(name="bp", **options):
    bp = Blueprint(name, __name__, **options)
    bp.add_url_rule("/", "index", lambda: url_for(".index"))
    return bp


def test_endpoints_and_urls_carry_the_blueprint(app, client):
    bp = make(url_prefix="/admin")
    bp.add_url_rule("/who", "who", lambda: f"{request.endpoint} {request.blueprint} {request.blueprints}")
    app.register_blueprint(bp)
    assert client.get("/admin/").text == "/admin/"
    assert client.get("/admin/who").text == "bp.who bp ['bp']"


def test_options_of_the_registration_go_before_the_blueprints_own(app, client):
    app.register_blueprint(make(url_prefix="/a"), url_prefix="/b", name="other")
    assert client.get("/b/").text == "/b/"
    assert "other" in app.blueprints


def test_a_blueprint_may_be_registered_twice_under_two_names(app, client):
    bp = make()
    app.register_blueprint(bp, url_prefix="/a")
    app.register_blueprint(bp, url_prefix="/b", name="b")
    assert (client.get("/a/").text, client.get("/b/").text) == ("/a/", "/b/")


@pytest.mark.parametrize(("other", "which"), [(False, "this"), (True, "a different")])
def test_a_name_is_taken_once(app, other, which):
    bp = make()
    app.register_blueprint(bp)
    with pytest.raises(ValueError, match=f"already registered for {which} blueprint. Use 'name='"):
        app.register_blueprint(make() if other else bp)


def test_nesting_joins_prefixes_subdomains_and_names(app):
    app.subdomain_matching = True
    app.config["SERVER_NAME"] = "example.test"
    parent = make("parent", url_prefix="/p", subdomain="api")
    child = make("child", url_prefix="/c", subdomain="v1")
    parent.register_blueprint(child)
    parent.register_blueprint(make("sister"), url_prefix="/s")
    app.register_blueprint(parent)
    rules = {rule.endpoint: (rule.rule, rule.subdomain) for rule in app.url_map.iter_rules()}
    assert rules["parent.child.index"] == ("/p/c/", "v1.api")
    assert rules["parent.sister.index"] == ("/p/s/", "api")


def test_defaults_come_from_blueprint_registration_and_rule(app, client):
    bp = Blueprint("bp", __name__, url_defaults={"a": 1, "b": 1})
    bp.add_url_rule("/", "index", lambda **values: values, defaults={"c": 3})
    app.register_blueprint(bp, url_defaults={"b": 2})
    assert client.get("/").json == {"a": 1, "b": 2, "c": 3}


def test_hooks_for_the_app_are_registered_once(app, client):
    called = []
    bp = make()
    bp.before_app_request(lambda: called.append("before"))
    bp.after_app_request(lambda response: (called.append("after"), response)[1])
    bp.teardown_app_request(lambda error: called.append("teardown"))
    bp.app_context_processor(lambda: {"x": 1})
    bp.app_url_value_preprocessor(lambda endpoint, values: called.append("values"))
    bp.app_url_defaults(lambda endpoint, values: called.append("defaults"))
    bp.app_errorhandler(404)(lambda error: ("mine", 404))
    bp.app_template_filter("loud")(str.upper)
    bp.app_template_test()(bool)
    bp.add_app_template_global(len, "size")
    app.register_blueprint(bp, url_prefix="/a")
    app.register_blueprint(bp, url_prefix="/b", name="b")
    assert client.get("/missing").text == "mine"
    assert called == ["values", "before", "after", "teardown"]
    assert app.jinja_env.from_string("{{ 'a'|loud }} {{ 1 is bool }} {{ size('abc') }}").render() == "A True 3"


def test_hooks_of_a_blueprint_are_for_its_own_views(app, client):
    called = []
    bp = make(url_prefix="/a")
    bp.before_request(lambda: called.append("before"))
    app.register_blueprint(bp)
    app.add_url_rule("/", "index", lambda: "")
    client.get("/")
    assert called == []
    client.get("/a/")
    assert called == ["before"]


def test_a_blueprint_serves_its_own_static_files(app, client, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.css").write_text("css")
    bp = Blueprint("bp", __name__, root_path=str(tmp_path), static_folder="files", url_prefix="/admin")
    app.register_blueprint(bp)
    with client.get("/admin/files/a.css") as answer:
        assert (answer.text, answer.content_type) == ("css", "text/css; charset=utf-8")
    with bp.open_resource("files/a.css", "r") as file:
        assert file.read() == "css"


def test_an_extension_may_change_how_a_blueprint_registers(app, client):
    class State(BlueprintSetupState):
        def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
            super().add_url_rule("/extra" + rule, endpoint, view_func, **options)

    class Extended(Blueprint):
        def make_setup_state(self, app, options, first_registration=False):
            return State(self, app, options, first_registration)

    bp = Extended("bp", __name__)
    bp.add_url_rule("/", "index", lambda: "here")
    app.register_blueprint(bp)
    assert client.get("/extra/").text == "here"


def test_what_a_blueprint_may_not_be_called(app):
    for wrong, message in (("", "may not be empty"), ("a.b", "may not contain a dot")):
        with pytest.raises(ValueError, match=message):
            Blueprint(wrong, __name__)
    bp = make()
    with pytest.raises(ValueError, match="'endpoint' may not contain a dot"):
        bp.add_url_rule("/", "a.b", print)
    with pytest.raises(ValueError, match="Cannot register a blueprint on itself"):
        bp.register_blueprint(bp)


def test_a_registered_blueprint_is_finished(app):
    bp = make()
    app.register_blueprint(bp)
    with pytest.raises(AssertionError, match="can no longer be called on the blueprint 'bp'"):
        bp.route("/late")


def test_commands_of_blueprints_are_grouped(app):
    for name, options in (("own", {}), ("named", {"cli_group": "other"}), ("flat", {"cli_group": None})):
        bp = Blueprint(name, __name__, **options)
        bp.cli.command(f"{name}-command")(print)
        app.register_blueprint(bp)
    assert set(app.cli.commands) == {"own", "other", "flat-command"}

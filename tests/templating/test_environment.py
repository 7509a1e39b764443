"""Templates: where they are found, what they see, what they escape."""

import logging

import pytest
from jinja2 import Environment as JinjaEnvironment
from jinja2 import TemplateNotFound, Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from kolben.app import App, Blueprint
from kolben.app.debughelpers import explain_template_loading_attempts
from kolben.flask import (
    before_render_template,
    g,
    get_template_attribute,
    render_template,
    render_template_string,
    stream_template,
    template_rendered,
)
from kolben.templating import Environment


@pytest.fixture
def root(tmp_path):
    files = {
        "templates/page.html": "{{ value }}",
        "templates/page.txt": "{{ value }}",
        "templates/page.svg": "{{ value }}",
        "templates/macros.html": "{% macro hello(name) %}Hello {{ name }}{% endmacro %}",
        "templates/shared.html": "of the app",
        "bp/shared.html": "of the blueprint",
        "bp/own.html": "own",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def app(root):
    app = App("shop", root_path=str(root))
    app.register_blueprint(Blueprint("bp", __name__, root_path=str(root), template_folder="bp"))
    return app


@pytest.mark.parametrize(("name", "escaped"), [("page.html", True), ("page.svg", True), ("page.txt", False)])
def test_what_is_escaped_follows_from_the_name(app, name, escaped):
    with app.app_context():
        assert render_template(name, value="<") == ("&lt;" if escaped else "<")
        assert render_template_string("{{ '<' }}") == "&lt;"


def test_the_apps_template_goes_before_the_blueprints(app):
    with app.app_context():
        assert render_template("shared.html") == "of the app"
        assert render_template("own.html") == "own"
        assert render_template(["missing.html", "own.html"]) == "own"
        with pytest.raises(TemplateNotFound):
            render_template("missing.html")
        assert {"own.html", "page.html"} <= set(app.jinja_env.list_templates())


def test_names_that_every_template_has(app):
    app.secret_key = "k"
    with app.test_request_context("/x"):
        g.user = "ada"
        text = render_template_string(
            "{{ request.path }} {{ g.user }} {{ config.DEBUG }} {{ session.get('a') }} {{ url_for('static', filename='f') }}"
        )
    assert text == "/x ada False None /static/f"


def test_a_views_names_go_before_those_of_context_processors(app):
    app.context_processor(lambda: {"a": "processor", "b": "processor"})
    with app.app_context():
        assert render_template_string("{{ a }} {{ b }}", a="view") == "view processor"


def test_context_processors_of_nested_blueprints_go_from_outside_to_inside(root):
    app, outer, inner = App("shop", root_path=str(root)), Blueprint("outer", "x", root_path="."), Blueprint("inner", "x", root_path=".")
    for scaffold, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
        scaffold.context_processor(lambda name=name: {"who": name, name: True})
    inner.add_url_rule("/", "view", lambda: render_template_string("{{ who }} {{ outer }} {{ app }}"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert app.test_client().get("/").text == "inner True True"


@pytest.mark.parametrize("bare", [True, False])
def test_filters_tests_and_globals(app, bare):
    def register(add, name, function):
        return add(function) if bare else add(name)(function)

    def shout(text):
        return text.upper()

    def odd_one(value):
        return value == 3

    def answer():
        return 42

    register(app.template_filter, "shout", shout)
    register(app.template_test, "odd_one", odd_one)
    register(app.template_global, "answer", answer)
    with app.app_context():
        assert render_template_string("{{ 'a'|shout }} {{ 3 is odd_one }} {{ answer() }}") == "A True 42"


def test_signals_come_before_and_after(app):
    seen = []

    def before(sender, template, context, **extra):
        seen.append(("before", template.name, context["value"]))

    def after(sender, template, context, **extra):
        seen.append(("after", template.name, context["value"]))

    with app.app_context(), before_render_template.connected_to(before, app), template_rendered.connected_to(after, app):
        assert "".join(stream_template("page.txt", value=1)) == "1"
    assert seen == [("before", "page.txt", 1), ("after", "page.txt", 1)]


def test_a_macro_can_be_used_from_python(app):
    with app.app_context():
        assert get_template_attribute("macros.html", "hello")("Ada") == "Hello Ada"


@pytest.mark.parametrize(
    ("debug", "option", "reloads"), [(False, None, False), (True, None, True), (True, False, False), (False, True, True)]
)
def test_templates_are_read_again_in_development(app, debug, option, reloads):
    app.config["TEMPLATES_AUTO_RELOAD"] = option
    app.debug = debug
    assert app.jinja_env.auto_reload is reloads


def test_debug_mode_switched_later_reaches_the_environment(app):
    assert app.jinja_env.auto_reload is False
    app.debug = True
    assert app.jinja_env.auto_reload is True


def test_an_app_may_bring_its_own_environment(root):
    class Mine(Environment):
        pass

    class Shop(App):
        jinja_environment = Mine
        jinja_options = {"trim_blocks": True, "autoescape": False}  # noqa: RUF012 - as Flask writes it

    environment = Shop("shop", root_path=str(root)).jinja_env
    assert isinstance(environment, Mine)
    assert environment.trim_blocks
    assert not environment.autoescape


def test_the_default_environment_can_be_named_on_the_class():
    assert App.jinja_environment is Environment


def test_looking_for_a_template_can_be_explained(app, caplog):
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    with app.app_context(), caplog.at_level(logging.INFO, logger="shop"):
        render_template("shared.html")
        with pytest.raises(TemplateNotFound):
            render_template("missing.html")
    found, missing = (record.getMessage() for record in caplog.records)
    assert "trying loader of application 'shop'" in found
    assert "Warning: multiple loaders returned a match" in found
    assert "trying loader of blueprint 'bp'" in missing
    assert "Error: the template could not be found" in missing


def test_an_explanation_names_the_blueprint_that_asked(app, caplog):
    with caplog.at_level(logging.INFO, logger="shop"):
        bp = Blueprint("admin", __name__, root_path=".")
        bp.add_url_rule("/", "view", lambda: explain_template_loading_attempts(app, "x.html", []) or "")
        app.register_blueprint(bp)
        app.test_client().get("/")
    assert "belongs to the blueprint 'admin'" in caplog.text


class Row:
    name = "of the class"

    def __getitem__(self, key):
        raise {"key": KeyError, "type": TypeError, "attribute": AttributeError, "other": RuntimeError}[key](key)


THINGS = [{"name": 1}, {"items": 1}, {}, type("D", (dict,), {"name": 3})(name=2), Row(), Row, [1], "text", None, 7, Undefined(name="x")]


@pytest.mark.parametrize("name", ["name", "items", "get", "key", "type", "attribute", "other", "__class__", "upper", "missing"])
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: getattr(thing, "__name__", type(thing).__name__))
def test_a_name_after_a_dot_means_what_it_means_to_jinja(thing, name):
    def outcome(environment):
        try:
            found = environment.getattr(thing, name)
        except Exception as error:
            return type(error), str(error)
        return (type(found), found._undefined_obj, found._undefined_name) if isinstance(found, Undefined) else found

    assert outcome(App(__name__).jinja_env) == outcome(JinjaEnvironment())


@pytest.mark.parametrize("bases", [(Environment, SandboxedEnvironment), (SandboxedEnvironment, Environment)])
def test_a_sandbox_stays_one(bases):
    """As beside Flask's Environment, which leaves to the other base what a template may read."""
    app = App(__name__)
    app.jinja_environment = type("Sandbox", bases, {})
    with app.app_context(), pytest.raises(SecurityError):
        render_template_string("{{ ''.__class__.__mro__ }}")
    assert app.jinja_env.getattr({"name": 1}, "name") == 1


def test_a_method_of_its_own_in_a_subclass_is_called():
    class Shouting(Environment):
        def getattr(self, obj, attribute):
            return super().getattr(obj, attribute).upper()

    app = App(__name__)
    app.jinja_environment = Shouting
    with app.app_context():
        assert render_template_string("{{ row.name }}", row={"name": "ann"}) == "ANN"

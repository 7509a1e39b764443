"""The context around a call that answers no request is an app's context, whoever looks."""

import contextvars

import pytest

from kolben import App, current_app, g, has_app_context, has_request_context
from kolben.app import signals
from kolben.app.globals import app_ctx


@pytest.fixture
def app():
    return App("called")


@pytest.fixture
def contexts(app):
    return app._call_contexts()


def test_the_app_and_g_are_current_inside_alone(contexts, app):
    def call():
        with contexts():
            assert current_app._get_current_object() is app
            assert not has_request_context()
            g.mark = "mine"
        assert not has_app_context()
        with contexts():
            assert "mark" not in g

    context = contextvars.Context()
    context.run(call)
    assert len(context) == 0


def test_what_was_current_is_so_again(contexts, app):
    other = App("other")
    with other.app_context() as around:
        with contexts():
            assert current_app.name == "called"
            with app.app_context():
                pass
            assert current_app.name == "called"
        assert app_ctx._get_current_object() is around


def test_it_may_be_popped_by_hand_and_pushed_again(contexts):
    with contexts() as context:
        context.push()
        context.pop()
        assert current_app.name == "called"
    assert not has_app_context()


def test_teardown_functions_are_told_of_the_error(contexts, app):
    """Also those that are registered after the first call."""
    seen = []
    with contexts():
        pass
    app.teardown_appcontext(seen.append)
    error = ValueError("mine")
    with contexts():
        pass
    with pytest.raises(ValueError, match="mine"), contexts():
        raise error
    assert seen == [None, error]


def test_one_registered_during_a_call_is_called_at_its_end(contexts, app):
    seen = []
    with contexts():
        app.teardown_appcontext(seen.append)
    assert seen == [None]


@pytest.mark.parametrize("name", ["appcontext_pushed", "appcontext_tearing_down", "appcontext_popped"])
def test_who_listens_is_told(contexts, app, name):
    seen = []

    def listen(sender, **_):
        seen.append(sender)

    with contexts():
        pass
    with getattr(signals, name).connected_to(listen, app):
        with contexts():
            pass
        assert seen == [app]
    with contexts():
        pass
    assert seen == [app]


def test_an_apps_own_method_is_called(contexts, app):
    """On the instance, or the class; it may even be no context of ours."""
    seen = []

    class Own:
        def __enter__(self):
            seen.append("enter")

        def __exit__(self, *error):
            seen.append(error[0])
            return True

    app.app_context = Own
    with contexts():
        raise ValueError
    assert seen == ["enter", ValueError]


def test_g_is_of_the_apps_class(contexts, app):
    class Globals(app.app_ctx_globals_class):
        def __init__(self):
            self.made = True

    app.app_ctx_globals_class = Globals
    with contexts():
        assert g.made


def test_urls_are_built_as_in_any_app_context(contexts, app):
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/page", "page", lambda: "")
    with contexts():
        assert app.url_for("page") == "http://example.org/page"

"""Bad registrations: one message each that says what was expected, what came, and what to do."""

import pytest

from kolben import App


@pytest.fixture
def app():
    return App(__name__)


def test_a_rule_that_does_not_parse_says_what_a_rule_looks_like(app):
    """Flask: same types, ValueError; the message says more."""
    with pytest.raises(ValueError, match=r"malformed url rule.*expected a path that begins with '/'.*closed by '>'"):
        app.add_url_rule("/user/<int:id", "user", lambda id: "")


def test_an_unknown_converter_lists_those_that_there_are(app):
    """Flask: LookupError."""
    with pytest.raises(LookupError, match=r"'colour'.*expected one of any, default, float, int, path, string, uuid"):
        app.add_url_rule("/<colour:c>", "c", lambda c: "")


def test_two_views_on_one_endpoint_say_where_both_are(app):
    """Flask: AssertionError with the same beginning."""
    app.add_url_rule("/a", "show", lambda: "")
    with pytest.raises(AssertionError, match=r"overwriting an existing endpoint function: show .*line \d+, and now .*line \d+.*endpoint="):
        app.add_url_rule("/b", "show", lambda: "other")


def test_a_pin_that_is_not_known_says_which_are(app):
    """`run=` takes two words."""
    with pytest.raises(AssertionError, match="run='turbo' is not known: expected 'inline' or 'thread'"):
        app.add_url_rule("/", "index", lambda: "", run="turbo")


@pytest.mark.parametrize("timeout", [-1, "5", True, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(app, timeout):
    with pytest.raises(AssertionError, match=r"timeout=.* is not known: expected a number of seconds, 0 for no limit"):
        app.add_url_rule("/", "index", lambda: "", timeout=timeout)


def test_a_view_without_a_parameter_for_a_variable_says_which(app, caplog):
    """When it is called: until then a decorator might still change it."""
    app.add_url_rule("/user/<int:id>", "user", lambda: "")
    assert app.test_client().get("/user/3").status_code == 500
    assert "takes no 'id', which the rule gives" in caplog.text


def test_a_type_error_inside_a_view_is_not_explained_away(app, caplog):
    """Only the call itself is explained; the view's own mistakes keep their own words."""

    @app.get("/")
    def index():
        return len(3)

    assert app.test_client().get("/").status_code == 500
    assert "object of type 'int' has no len()" in caplog.text
    assert "which the rule gives" not in caplog.text

"""Do a rule's values fit a view's parameters?"""

import pytest

from kolben.app import App
from kolben.app.signatures import explain_call, unfit_views


def both(a, b):
    pass


def optional(a, b=1, *, c=2):
    pass


def anything(**values):
    pass


@pytest.mark.parametrize(
    ("rule", "view", "problem"),
    [
        ("/<a>/<b>", both, None),
        ("/<a>", both, "needs 'b', which the rule does not give"),
        ("/<a>/<b>/<c>", both, "takes no 'c', which the rule gives"),
        ("/<x>", both, "needs 'a', 'b', which the rule does not give and takes no 'x', which the rule gives"),
        ("/<a>", optional, None),
        ("/<a>/<c>", optional, None),
        ("/<x>", anything, None),
    ],
)
def test_misfits_are_found_before_any_request(rule, view, problem):
    app = App(__name__, static_folder=None)
    app.add_url_rule(rule, "view", view)
    messages = list(unfit_views(app))
    assert bool(messages) is (problem is not None)
    assert problem is None or f"of rule {rule!r} {problem}: make the names" in messages[0]


def test_defaults_of_the_rule_count():
    app = App(__name__, static_folder=None)
    app.add_url_rule("/<a>", "view", both, defaults={"b": 1})
    assert list(unfit_views(app)) == []


def test_nothing_is_said_where_it_is_not_certain():
    app = App(__name__, static_folder=None)
    app.add_url_rule("/<x>", "view", both)
    app.add_url_rule("/later/<x>", "without a view")
    app.url_value_preprocessor(lambda endpoint, values: values.clear())
    assert list(unfit_views(app)) == []


def test_an_error_from_inside_the_view_is_not_explained():
    def view(a):
        return 1 + a

    rule = App(__name__).url_rule_class("/<a>", endpoint="view")
    with pytest.raises(TypeError) as caught:
        view("x")
    assert explain_call(caught.value, view, rule, {"a": "x"}) is None

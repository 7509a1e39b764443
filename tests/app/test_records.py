"""What was measured of an endpoint belongs to its view and hooks, and outlives the plan made of them."""

import pytest

from kolben import App
from kolben.http import Mode
from kolben.http._plan import NEEDED, QUICK


def index():
    return "hello"


@pytest.fixture
def app():
    made = App("made")
    made.add_url_rule("/", view_func=index)
    return made


def earned(app):
    plan = app.handler.plan_of("index")
    for _ in range(NEEDED):
        plan.note_in_thread(QUICK - 1, False)
    assert plan.mode == Mode.INLINE
    return plan


def test_a_registration_elsewhere_costs_no_route_what_it_has_earned(app):
    before = earned(app)
    app.add_url_rule("/other", "other", index)
    after = app.handler.plan_of("index")
    assert after is not before
    assert after.mode == Mode.INLINE
    assert after.record is before.record


@pytest.mark.parametrize(
    "change",
    [
        lambda app: app.view_functions.__setitem__("index", lambda: "other"),
        lambda app: app.before_request(lambda: None),
        lambda app: app.after_request(lambda response: response),
        lambda app: app.teardown_request(lambda error: None),
        lambda app: app.teardown_appcontext(lambda error: None),
        lambda app: app.url_value_preprocessor(lambda endpoint, values: None),
    ],
    ids=["view", "before", "after", "teardown", "app teardown", "preprocessor"],
)
def test_another_view_or_hook_has_to_earn_for_itself(app, change):
    before = earned(app)
    change(app)
    after = app.handler.plan_of("index")
    assert after.mode == Mode.THREAD
    assert after.record is not before.record


@pytest.mark.parametrize(("run", "mode"), [("inline", Mode.INLINE), ("thread", Mode.THREAD)])
def test_a_route_with_run_is_pinned(run, mode):
    app = App("made")
    app.add_url_rule("/", view_func=index, run=run)
    plan = app.handler.plan_of("index")
    assert plan.pinned
    assert plan.mode == mode


def test_an_async_view_is_not_measured():
    app = App("made")

    @app.get("/")
    async def later():
        return "hello"

    assert app.handler.plan_of("later").pinned


def test_a_plan_has_what_its_route_says_of_clients_that_leave_and_of_time(app):
    app.add_url_rule("/a", "a", lambda: "", on_disconnect="ignore", timeout=2.5)
    app.add_url_rule("/b", "b", lambda: "", on_disconnect="cancel", timeout=0)
    app.add_url_rule("/c", "c", lambda: "")
    plans = [app.handler.plan_of(name) for name in "abc"]
    assert [(plan.ignores_disconnect, plan.timeout) for plan in plans] == [(True, 2.5), (False, 0), (False, -1)]

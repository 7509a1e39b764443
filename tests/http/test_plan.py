"""How a route earns running inline, and loses it again (D3): the rule alone, with times that are given."""

import pytest

from kolben.http import Mode, Plan
from kolben.http._plan import DISTURBED, MOST_NEEDED, NEEDED, QUICK, SLOW


def earn(plan):
    """Calls until it earns."""
    for number in range(1, 10_000):
        if plan.note_in_thread(QUICK - 1, False):
            return number
    raise AssertionError("it never earns")


def test_a_plan_begins_in_the_pool_and_fifty_short_calls_in_a_row_bring_it_inline():
    plan = Plan()
    assert plan.mode == Mode.THREAD
    assert earn(plan) == NEEDED == 50
    assert plan.mode == Mode.INLINE
    assert (plan.record.calls, plan.record.earned, plan.record.is_inline) == (50, 1, True)


def test_a_longer_call_begins_the_row_anew():
    plan = Plan()
    for _ in range(NEEDED - 1):
        assert not plan.note_in_thread(QUICK - 1, False)
    assert not plan.note_in_thread(QUICK, False)
    assert earn(plan) == NEEDED


def test_a_longer_call_beside_other_threads_only_shortens_the_row():
    """It may have waited for the interpreter."""
    plan = Plan()
    for _ in range(NEEDED - 1):
        plan.note_in_thread(QUICK - 1, True)
    plan.note_in_thread(QUICK, True)
    assert earn(plan) == 1 + DISTURBED


def test_every_fifth_call_being_long_never_earns():
    plan = Plan()
    for _ in range(1000):
        for _ in range(DISTURBED - 1):
            assert not plan.note_in_thread(0, True)
        plan.note_in_thread(QUICK, True)
    assert plan.record.earned == 0


def test_an_inline_call_over_five_milliseconds_loses_and_the_next_row_is_twice_as_long():
    plan = Plan()
    earn(plan)
    assert not plan.note_inline(SLOW)
    assert plan.note_inline(SLOW + 1)
    assert plan.mode == Mode.THREAD
    assert earn(plan) == 2 * NEEDED
    assert (plan.record.earned, plan.record.lost) == (2, 1)


def test_a_rescue_loses_too():
    plan = Plan()
    earn(plan)
    assert plan.note_rescue()
    assert (plan.mode, plan.record.rescued, plan.record.needed) == (Mode.THREAD, 1, 2 * NEEDED)


def test_the_row_grows_to_3200_calls_and_no_further():
    plan = Plan()
    rows = []
    for _ in range(9):
        rows.append(earn(plan))
        plan.note_inline(SLOW + 1)
    assert rows == [50, 100, 200, 400, 800, 1600, 3200, 3200, 3200]
    assert MOST_NEEDED == 3200


@pytest.mark.parametrize("mode", [Mode.INLINE, Mode.THREAD])
def test_a_pinned_plan_stays_where_it_is(mode):
    plan = Plan()
    plan.mode, plan.pinned = mode, True
    for _ in range(100):
        assert not plan.note_in_thread(1, False)
    assert not plan.note_inline(SLOW + 1)
    assert not plan.note_rescue()
    assert not plan.note_lazy()
    assert plan.mode == mode
    assert (plan.record.calls, plan.record.earned, plan.record.lost, plan.record.rescued) == (101, 0, 0, 1)


def test_a_view_that_returned_a_lazy_body_earns_nothing_any_more():
    plan = Plan()
    earn(plan)
    assert plan.note_lazy()
    for _ in range(MOST_NEEDED):
        assert not plan.note_in_thread(1, False)
    assert plan.mode == Mode.THREAD


def test_a_plan_made_anew_goes_on_where_the_last_one_stood():
    before, after, pinned = Plan(), Plan(), Plan()
    earn(before)
    after.go_on_with(before.record)
    assert after.mode == Mode.INLINE
    pinned.pinned = True
    pinned.go_on_with(before.record)
    assert pinned.mode == Mode.THREAD


def test_what_an_old_plan_still_earns_or_loses_its_successor_follows():
    """A call of before may end after the plan was made anew."""
    before, after = Plan(), Plan()
    after.go_on_with(before.record)
    earn(before)
    assert not after.note_in_thread(1, False)
    assert after.mode == Mode.INLINE
    before.note_inline(SLOW + 1)
    after.note_inline(1)
    assert after.mode == Mode.THREAD

"""Deadlines are never early, hardly late, and cost one look at a time (model: a plain dictionary)."""

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kolben.net._timers import SLOTS, TICK, Deadlines

TURN = SLOTS * TICK  # milliseconds
START = 1_000_000_007


@pytest.fixture
def deadlines():
    return Deadlines()


def advance(deadlines, now, until):
    """Let time pass tick by tick, looking each time; return when each value came."""
    came = {}
    while now < until:
        now = min(now + TICK, until)
        came.update(dict.fromkeys(deadlines.expired(now), now))
    return came


@pytest.mark.parametrize("delay", [1, TICK - 1, TICK, TICK + 1, 5000, TURN - 1, TURN, TURN + 1, 3 * TURN + 77])
def test_a_deadline_comes_in_its_tick_once(deadlines, delay):
    """Not before, and less than a tick after; also beyond one turn of the wheel."""
    deadline = deadlines.add("value")
    deadline.set(START, START + delay)
    due_tick = -(-(START + delay) // TICK) * TICK
    assert advance(deadlines, START, due_tick - 1) == {}
    assert deadlines.expired(due_tick) == ["value"]
    assert deadlines.expired(due_tick + 10 * TURN) == []
    assert deadline.due is None


def test_a_past_deadline_comes_in_the_next_tick(deadlines):
    """So a round of expired() that sets again what it got comes to an end."""
    deadline = deadlines.add("value")
    now = START
    for due in (START - 5000, 0, -(2**63)):
        deadline.set(now, due)
        assert deadlines.expired(now) == []
        now += TICK
        assert deadlines.expired(now) == ["value"]


def test_a_deadline_that_moves_away_does_not_come_at_its_old_time(deadlines):
    """However often it moves: the keep-alive of a busy connection."""
    deadline = deadlines.add("value")
    now = START
    for _ in range(2000):
        deadline.set(now, now + 15_000)
        now += 50
        assert deadlines.expired(now) == []
    assert deadlines.expired(now + 15_000 + TICK) == ["value"]


def test_a_deadline_that_comes_nearer_comes_at_its_new_time(deadlines):
    """And not again at the old one."""
    deadline = deadlines.add("value")
    deadline.set(START, START + 20_000)
    deadline.set(START, START + 1000)
    assert deadlines.expired(START + 1000 + TICK) == ["value"]
    assert deadlines.expired(START + 30_000) == []


@pytest.mark.parametrize("ticks", [1, 2, SLOTS - 1, SLOTS, SLOTS + 1, 2 * SLOTS + 1])
def test_a_deadline_may_come_nearer_by_any_number_of_ticks(deadlines, ticks):
    """One is enough to change its slot; a whole turn does not, but its time."""
    deadline = deadlines.add("value")
    deadline.set(START, START + 5000 + ticks * TICK)
    deadline.set(START, START + 5000)
    assert deadlines.expired(START + 4999) == []
    assert deadlines.expired(START + 5000 + TICK - 1) == ["value"]


@pytest.mark.parametrize("delay", [1, TICK, 5000, TURN, 2 * TURN])
def test_what_is_due_but_not_yet_returned_may_still_be_moved_or_cleared(deadlines, delay):
    """Closing one connection may touch another whose time has come, too."""
    kept = {name: deadlines.add(name) for name in "abc"}
    for deadline in kept.values():
        deadline.set(START, START + 100)
    now = START + 200
    [first] = deadlines.expired(now, 1)
    moved, cleared = sorted(kept.keys() - {first})
    assert deadlines.next_due(now) == now
    kept[moved].set(now, now + delay)
    kept[cleared].clear()
    assert deadlines.expired(now + delay - 1) == []
    assert deadlines.expired(now + delay + TICK - 1) == [moved]


def test_a_cleared_deadline_does_not_come(deadlines):
    """Clearing twice is fine."""
    deadline = deadlines.add("value")
    deadline.set(START, START + 1000)
    deadline.clear()
    deadline.clear()
    assert (len(deadlines), deadlines.next_due(START), deadlines.expired(START + TURN)) == (0, None, [])


def test_a_collected_deadline_does_not_come(deadlines):
    """The wheel owns nothing and points at nothing that is gone, also after the collector broke a cycle."""
    values = [[] for _ in range(10)]
    for value in values:
        deadline = deadlines.add(value)
        value.append(deadline)
        deadline.set(START, START + 1000)
    assert len(deadlines) == 10
    del value, values, deadline
    gc.collect()
    assert len(deadlines) == 0
    assert deadlines.expired(START + TURN) == []


def test_types_may_name_what_a_wheel_holds():
    """`Deadlines[str]` is a type for annotations, and makes a wheel."""
    assert isinstance(Deadlines[str](), Deadlines)


def test_a_deadline_may_outlive_its_wheel():
    """It keeps what it needs."""
    deadline = Deadlines().add("value")
    deadline.set(START, START + 10)
    assert deadline.due == START + 10
    deadline.clear()


@pytest.mark.parametrize("jump", [TURN - TICK, TURN, TURN + TICK, 10**12, 2**62, 2**63 - 1])
def test_a_clock_that_jumps_ahead_loses_nothing(deadlines, jump):
    """A suspended machine wakes to all that came meanwhile, in one look at each slot."""
    kept = [deadlines.add(number) for number in range(1000)]
    for number, deadline in enumerate(kept):
        deadline.set(START, START + number * 37)
    now = min(START + jump, 2**63 - 1)
    assert sorted(deadlines.expired(now)) == [number for number in range(1000) if -(-(START + number * 37) // TICK) * TICK <= now]


def test_an_old_clock_changes_nothing(deadlines):
    """Times that go back wait until they have caught up."""
    deadline = deadlines.add("value")
    deadline.set(START, START + 1000)
    assert deadlines.expired(START + 500) == []
    deadline.set(START - 5000, START + 1000)
    assert deadlines.expired(START - 5000) == []
    assert deadlines.expired(START + 1000 + TICK) == ["value"]


def test_an_empty_wheel_need_not_catch_up(deadlines):
    """A first deadline after a long idle time comes when it is due."""
    deadline = deadlines.add("value")
    for now in (START, START + 10**9, START + 10**12):
        deadline.set(now, now + 100)
        assert deadlines.expired(now + 99) == []
        assert deadlines.expired(now + 100 + TICK) == ["value"]


def test_the_next_due_of_far_deadlines_is_at_most_a_turn_away(deadlines):
    """Whoever sleeps until then wakes once a turn for nothing, not more."""
    deadline = deadlines.add("value")
    deadline.set(START, START + 10 * TURN)
    now, looks = START, 0
    while not deadlines.expired(now):
        now, looks = deadlines.next_due(now), looks + 1
    assert looks <= 11
    assert START + 10 * TURN <= now < START + 10 * TURN + TICK


def test_the_farthest_time_is_fine(deadlines):
    """It is clamped, not overflowed."""
    deadline = deadlines.add("value")
    deadline.set(START, 2**63 - 1)
    assert deadline.due > 2**59
    assert deadlines.expired(START + 100 * TURN) == []


class Wheel(RuleBasedStateMachine):
    """Any order of set, move, clear and advance, beside a dictionary of due times."""

    def __init__(self):
        super().__init__()
        self.deadlines = Deadlines()
        self.made = [self.deadlines.add(number) for number in range(6)]
        self.model = {}
        self.now = START

    numbers = st.integers(0, 5)
    delays = st.one_of(st.integers(-200, 400), st.integers(0, 3 * TURN), st.sampled_from([TICK, TURN - TICK, TURN, TURN + TICK]))

    @rule(number=numbers, delay=delays)
    def set(self, number, delay):
        self.made[number].set(self.now, self.now + delay)
        self.model[number] = self.now + delay, self.now

    @rule(number=numbers)
    def clear(self, number):
        self.made[number].clear()
        self.model.pop(number, None)

    @rule(limit=st.integers(0, 2), step=st.integers(0, 2 * TURN))
    def advance_and_take_some(self, limit, step):
        self.now += step
        for number in self.deadlines.expired(self.now, limit):
            assert self.model.pop(number)[0] <= self.now, "early"

    @rule(step=st.one_of(st.integers(0, 200), st.integers(0, 2 * TURN), st.just(50 * TURN)))
    def advance(self, step):
        self.now += step
        came = self.deadlines.expired(self.now)
        assert len(came) == len(set_of(came))
        for number in came:
            due, _ = self.model.pop(number)
            assert due <= self.now, "early"
        for due, set_at in self.model.values():
            assert max(due, set_at) > self.now - TICK, "late"

    @rule()
    def sleep_until_next_due(self):
        until = self.deadlines.next_due(self.now)
        if until is not None and until > self.now:
            assert self.deadlines.expired(until - 1) == [], "next_due was not a lower bound"
            self.now = until - 1
            self.advance(1)

    @invariant()
    def counts_agree(self):
        assert len(self.deadlines) == len(self.model)
        assert (self.deadlines.next_due(self.now) is None) == (not self.model)
        for number, deadline in enumerate(self.made):
            assert (deadline.due is not None) == (number in self.model)


def set_of(values):
    """`set` is a rule of the machine."""
    return frozenset(values)


TestWheel = Wheel.TestCase
TestWheel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(0, 4 * TURN), min_size=1, max_size=50))
@settings(max_examples=40, deadline=None)
def test_whoever_sleeps_until_next_due_meets_every_deadline_in_its_tick(delays):
    """The sleeper needs no clock but next_due()."""
    deadlines = Deadlines()
    kept = [deadlines.add(START + delay) for delay in delays]
    for deadline in kept:
        deadline.set(START, deadline.value)
    now = START
    while (until := deadlines.next_due(now)) is not None:
        assert until > now
        now = until
        for due in deadlines.expired(now):
            assert due <= now <= max(due, START) + TICK

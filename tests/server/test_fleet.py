"""The fleet's decisions, without a process: who is started, who serves, who drains, when."""

import pytest

from kolben.server.fleet import Backoff, Drain, Finish, Fleet, Kill, Refused, Released, Serve, Spawn, State


def ready(fleet, *numbers, now=0.0):
    for number in numbers:
        fleet.on_ready(number, now)
    return fleet.take_orders()


def serving(size=2):
    """A fleet whose first generation serves: workers 1 to `size`."""
    fleet = Fleet(size)
    fleet.reload(0.0)
    ready(fleet, *range(1, size + 1))
    return fleet


def states(fleet):
    return {number: worker.state for number, worker in fleet.workers.items() if not worker.is_doomed}


def test_one_scout_is_tried_before_the_rest_is_started():
    fleet = Fleet(3)
    fleet.reload(0.0)
    assert fleet.take_orders() == [Spawn(1, 1)]
    assert ready(fleet, 1) == [Spawn(2, 1), Spawn(3, 1)]


def test_nobody_serves_before_the_whole_generation_is_ready():
    fleet = Fleet(2)
    fleet.reload(0.0)
    assert not [order for order in ready(fleet, 1) if isinstance(order, Serve)]
    assert ready(fleet, 2) == [Serve(1), Serve(2), Released(1)]


def test_the_old_generation_drains_only_when_the_new_one_serves():
    fleet = serving()
    fleet.reload(1.0)
    assert fleet.take_orders() == [Spawn(3, 2)]
    assert ready(fleet, 3) == [Spawn(4, 2)]
    assert ready(fleet, 4) == [Serve(3), Serve(4), Drain(1, at_once=False), Drain(2, at_once=False), Released(2)]


@pytest.mark.parametrize("when", ["import", "probe of the second", "crash"])
def test_a_broken_generation_never_replaces_a_working_one(when):
    fleet = serving()
    fleet.reload(1.0)
    broken = 3
    if when != "import":
        ready(fleet, 3)
        broken = 4
    fleet.take_orders()
    if when == "crash":
        assert fleet.on_ended(broken, 2.0, "died of SIGSEGV")
        reason = "died of SIGSEGV"
    else:
        fleet.on_failed(broken, "it says why", 2.0)
        reason = "it says why"
    orders = fleet.take_orders()
    assert Refused(2, 1, reason) in orders
    assert not [order for order in orders if isinstance(order, Drain | Serve | Spawn)]
    assert states(fleet) == {1: State.SERVING, 2: State.SERVING}


def test_a_first_generation_that_fails_leaves_nothing_to_serve():
    fleet = Fleet(2)
    fleet.reload(0.0)
    fleet.on_failed(1, "no module named shop", 0.1)
    assert Refused(1, 0, "no module named shop") in fleet.take_orders()


def test_a_release_that_comes_while_another_is_tried_takes_its_place():
    fleet = serving()
    fleet.reload(1.0)
    fleet.take_orders()
    fleet.reload(1.5)
    assert fleet.take_orders() == [Kill(3), Spawn(4, 3)]
    ready(fleet, 3)
    assert ready(fleet, 4) == [Spawn(5, 3)]


def test_a_crashed_worker_is_replaced_at_once_and_the_next_ones_after_ever_longer_times():
    fleet = serving(1)
    number, now, delays = 1, 100.0, []
    for _ in range(9):
        fleet.on_ended(number, now, "died")
        died = now
        while not (orders := fleet.take_orders()):
            now += 0.25
            fleet.tick(now)
        number = orders[0].number
        delays.append(now - died)
        ready(fleet, number, now=now)
    assert delays == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_minute_without_a_crash_forgives_those_before():
    backoff = Backoff()
    assert [backoff.delay(now) for now in (100.0, 101.0, 102.0, 200.0)] == [0, 0.5, 1, 0]


def test_a_worker_of_the_serving_generation_serves_as_soon_as_it_is_ready():
    fleet = serving()
    fleet.on_ended(1, 1.0, "died")
    assert fleet.take_orders() == [Spawn(3, 1)]
    assert ready(fleet, 3) == [Serve(3)]


def test_a_worker_that_is_not_ready_in_time_counts_as_failed():
    fleet = Fleet(1, start_limit=10.0)
    fleet.reload(0.0)
    fleet.take_orders()
    fleet.tick(10.1)
    assert fleet.take_orders() == [Kill(1), Refused(1, 0, "it was not ready after 10 s")]


def test_a_relieved_worker_drains_when_its_successor_serves_and_not_before():
    fleet = serving()
    fleet.relieve(1, 1.0)
    assert fleet.take_orders() == [Spawn(3, 1)]
    fleet.relieve(2, 1.1)
    assert fleet.take_orders() == [], "one at a time"
    assert ready(fleet, 3) == [Serve(3), Drain(1, at_once=False)]
    fleet.on_ended(1, 2.0, "ended")
    assert fleet.take_orders() == []


def test_a_worker_that_was_told_to_drain_by_somebody_else_is_replaced():
    fleet = serving()
    fleet.on_draining(1, 1.0)
    assert fleet.take_orders() == [Spawn(3, 1)]
    assert not fleet.on_ended(1, 2.0, "ended with exit status 0")


def test_who_drains_for_too_long_is_ended():
    fleet = serving(1)
    fleet.stop(1.0)
    assert fleet.take_orders() == [Drain(1, at_once=False)]
    fleet.tick(1.0 + fleet.drain_limit + 0.1)
    assert fleet.take_orders() == [Kill(1, with_trace=True)]


def test_a_worker_that_hangs_is_ended_with_a_traceback_and_replaced():
    fleet = serving(1)
    fleet.on_hung(1, 100.0)
    fleet.tick(100.0)
    assert fleet.take_orders() == [Kill(1, with_trace=True), Spawn(2, 1)]


def test_a_stop_lets_the_serving_finish_and_ends_those_that_are_not_ready():
    fleet = serving()
    fleet.reload(1.0)
    fleet.take_orders()
    fleet.stop(2.0, at_once=True)
    assert fleet.take_orders() == [Drain(1, at_once=True), Drain(2, at_once=True), Kill(3)]
    for number in (1, 2, 3):
        fleet.on_ended(number, 3.0, "ended")
    assert fleet.take_orders()[-1] == Finish()


def test_nothing_is_started_once_the_stop_has_begun():
    fleet = serving()
    fleet.stop(1.0)
    fleet.reload(1.1)
    fleet.on_ended(1, 1.2, "died")
    fleet.tick(100.0)
    assert not [order for order in fleet.take_orders() if isinstance(order, Spawn)]

"""Time is counted in whole milliseconds, and a test can stop it."""

import math

import pytest

from kolben.base import Clock, FakeClock, MonotonicClock, milliseconds


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (1, 1000), (0.25, 250), (0.0001, 1), (1e-300, 1), (2.0001, 2001)])
def test_seconds_are_rounded_up_to_milliseconds(seconds, expected):
    """A short time limit never becomes none."""
    assert milliseconds(seconds) == expected


@pytest.mark.parametrize("seconds", [-1, -0.0001, math.inf, math.nan])
def test_what_is_no_length_of_time_is_refused(seconds):
    """The message says what came."""
    with pytest.raises(ValueError, match="0 or more, got"):
        milliseconds(seconds)


def test_a_fake_clock_moves_only_when_it_is_told():
    """Its advances add up."""
    clock: Clock = FakeClock(500)
    assert (clock.now(), clock.now()) == (500, 500)
    assert clock.advance(1.5) == 2000
    assert clock.now() == 2000


def test_the_real_clock_never_goes_back():
    """It is monotonic, and never 0."""
    clock: Clock = MonotonicClock()
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)
    assert times[0] > 0

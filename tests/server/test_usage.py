"""A long call is slow if it waited or worked, not if the machine had no processor for it."""

import pytest

from kolben.server._usage import share_of

BEFORE = (1_000_000, 10, 20)  # microseconds of work, waits, holds


@pytest.mark.parametrize(
    ("after", "share"),
    [
        ((1_000_100, 10, 21), 100),  # it worked for 100 microseconds, and was held up for the rest
        ((1_000_000, 10, 25), 0),
        ((1_007_000, 10, 22), 7_000),  # it worked for long as well
        ((1_050_000, 10, 22), 8_000),  # the turn did, before it
        ((1_000_100, 11, 21), 8_000),  # it waited for something
        ((1_000_100, 10, 20), 8_000),  # nobody took anything: what that was, nobody knows
        ((999_000, 10, 21), 0),  # a clock that was set right
    ],
)
def test_a_call_lasts_as_long_as_it_worked_if_it_was_only_held_up(after, share):
    assert share_of(8_000, BEFORE, after) == share

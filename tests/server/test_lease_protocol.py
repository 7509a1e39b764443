"""The lease's protocol, walked through in every order that threads can come (the moves stand in tests/models/lease.py)."""

import pytest
from tests.models.lease import FAULTS, Broken, Protocol, walk

WORLDS = [  # what each peer sends, one letter a request; whether a stop is asked for meanwhile
    (("ii",), False),
    (("i", "p"), True),
    (("i", "a"), True),
    (("ia", "i"), False),
    (("i", "i", "p"), False),
]


@pytest.mark.parametrize(("peers", "stop"), WORLDS)
def test_whatever_the_order_everybody_is_answered_and_nobody_serves_without_the_lease(peers, stop):
    """One holder at most; no lost event; no deadlock; a call that lasts is rescued, the hand-back cannot hang, a stop ends."""
    assert walk(Protocol(), *peers, stop=stop) > 100


def walk_all(protocol):
    for peers, stop in WORLDS:
        walk(protocol, *peers, stop=stop)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_the_walk_finds_the_fault(fault):
    """A checker that finds nothing in a broken protocol proves nothing about ours."""
    with pytest.raises(Broken):
        walk_all(Protocol(fault))

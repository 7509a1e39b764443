"""Sockets of services: held by the supervisor, handed to workers over the leash, given up when nobody asks for them."""

import os
import socket

import pytest

from kolben.base import UsageError
from kolben.net.service import adopt_sockets
from kolben.server.holdings import Holdings
from kolben.server.leash import Leash, leash_pair

SPEC = "tcp://127.0.0.1:0"


@pytest.fixture
def holdings(nothing_left):
    made = Holdings()
    yield made
    made.close()


@pytest.fixture
def leash(nothing_left):
    ours, theirs = leash_pair()
    theirs = Leash(theirs)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_two_generations_that_ask_for_the_same_get_the_same_socket(holdings):
    """So that between them nobody who connects is refused."""
    first = holdings.sockets(SPEC, 1, "echo")
    assert holdings.sockets(SPEC, 2, "echo") is first
    holdings.keep(2)
    assert first[0].fileno() >= 0


def test_what_the_serving_generation_did_not_ask_for_is_given_up(holdings):
    [old] = holdings.sockets(SPEC, 1, "echo")
    [new] = holdings.sockets("tcp://127.0.0.2:0", 2, "echo")
    holdings.keep(2)
    assert old.fileno() < 0 <= new.fileno()


def test_what_only_a_refused_generation_asked_for_is_given_up(holdings):
    [kept] = holdings.sockets(SPEC, 1, "echo")
    holdings.sockets(SPEC, 2, "echo")
    [gone] = holdings.sockets("tcp://127.0.0.2:0", 2, "other")
    holdings.forget(2)
    assert gone.fileno() < 0 <= kept.fileno()


def test_an_address_that_is_taken_is_refused_in_words(holdings):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match=str(taken.getsockname()[1])):
        holdings.sockets(f"tcp://127.0.0.1:{taken.getsockname()[1]}", 1, "echo")


def test_descriptors_travel_with_their_message(holdings, leash):
    """However many messages are read at once, each has its own, and who reads it owns them."""
    ours, theirs = leash
    sockets = [holdings.sockets(f"tcp://127.0.0.{number}:0", 1, "echo")[0] for number in (1, 2, 3)]
    ours.say("serve")
    ours.say("sockets", descriptors=[sockets[0].fileno(), sockets[1].fileno()])
    ours.say("reopen")
    ours.say("sockets", descriptors=[sockets[2].fileno()])
    messages = []
    while len(messages) < 4:
        messages += theirs.heard()
    assert [each["message"] for each in messages] == ["serve", "sockets", "reopen", "sockets"]
    adopted = [each for message in messages for each in adopt_sockets(SPEC, message.get("descriptors", []))]
    assert [str(each.address) for each in adopted] == [str(each.address) for each in sockets]
    assert not any(os.get_inheritable(each.fileno()) for each in adopted)
    for each in adopted:
        each.close()


def test_what_is_heard_while_another_message_is_waited_for_is_not_lost(leash):
    ours, theirs = leash
    for message in ("reopen", "sockets", "serve"):
        ours.say(message)
    assert theirs.wait_for("sockets", "refused") == {"message": "sockets"}
    assert [each["message"] for each in theirs.heard()] == ["reopen", "serve"]


def test_who_waits_for_a_message_from_the_dead_is_told(leash):
    ours, theirs = leash
    ours.close()
    assert theirs.wait_for("sockets") is None

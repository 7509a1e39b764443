"""What a blueprint listens on, the app that it is registered on opens."""

import asyncio
import ssl

import pytest

from kolben import App, Blueprint, current_app
from kolben.base import UsageError


@pytest.fixture
def chat():
    return Blueprint("chat", __name__)


@pytest.fixture
def app():
    return App("blueprints")


def names(app):
    return [(service.name, service.spec) for service in app.services]


def test_every_kind_is_registered_with_the_blueprint(app, chat):
    """In the order of registration; nothing is there before."""

    @chat.tcp("127.0.0.1:0")
    @chat.unix("chat.sock", name="local")
    @chat.tls("127.0.0.1:0", context=ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), name="safe")
    def talk(stream): ...

    @chat.udp("127.0.0.1:0")
    def locate(datagram): ...

    assert names(app) == []
    app.register_blueprint(chat)
    assert names(app) == [
        ("chat.safe", "tls://127.0.0.1:0"),
        ("chat.local", "unix:chat.sock"),
        ("chat.talk", "tcp://127.0.0.1:0"),
        ("chat.locate", "udp://127.0.0.1:0"),
    ]


def test_an_address_is_opened_once_by_each_app(app, chat):
    """However often the blueprint is registered there."""

    @chat.tcp("127.0.0.1:0")
    def talk(stream): ...

    app.register_blueprint(chat)
    app.register_blueprint(chat, name="again", url_prefix="/again")
    other = App("other")
    other.register_blueprint(chat)
    assert names(app) == names(other) == [("chat.talk", "tcp://127.0.0.1:0")]


def test_names_are_those_of_nested_blueprints(app, chat):
    """As endpoints are."""

    @chat.tcp("127.0.0.1:0")
    def talk(stream): ...

    house = Blueprint("house", __name__)
    house.register_blueprint(chat)
    app.register_blueprint(house)
    assert names(app) == [("house.chat.talk", "tcp://127.0.0.1:0")]


def test_it_runs_in_the_context_of_its_app(app, chat, serving, peer):
    """Both kinds of functions, over both kinds of sockets."""

    @chat.tcp("127.0.0.1:0")
    async def talk(stream):
        await asyncio.sleep(0)
        await stream.send(current_app.name.encode())

    app.register_blueprint(chat)
    server = serving(app)
    assert peer(server["chat.talk"]).rest() == b"blueprints"


def test_an_address_that_is_none_is_refused_at_once(chat):
    """Not when the blueprint is registered, far away from the line that is wrong."""
    with pytest.raises(UsageError, match="nonsense"):
        chat.tcp("nonsense")
    with pytest.raises(UsageError, match=r"use app\.udp for it"):
        chat.tcp("udp://127.0.0.1:0")


def test_a_blueprint_that_is_registered_takes_no_more(app, chat):
    """As with routes: it would not be opened."""
    app.register_blueprint(chat)
    with pytest.raises(AssertionError, match="'tcp' can no longer be called"):
        chat.tcp("127.0.0.1:0")

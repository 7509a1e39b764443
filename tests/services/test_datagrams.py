"""UDP services: a call for each datagram; what it returns goes back to who sent it."""

import asyncio
import socket
import threading

import pytest
from tests.waiting import until

from kolben import App, current_app

SOON = 10
both = pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])


@pytest.fixture
def app():
    return App("services")


@pytest.fixture
def sender():
    """Somebody who sends datagrams and waits for answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SOON)
        yield sock


def add(app, is_async, function):
    async def awaited(datagram):
        return function(datagram)

    app.udp("127.0.0.1:0", name="service")(awaited if is_async else function)


@both
def test_what_the_function_returns_goes_back(app, serving, sender, is_async):
    add(app, is_async, lambda datagram: datagram.data.upper())
    server = serving(app)
    for text in (b"one", b"two", b""):
        sender.sendto(text, server["service"])
        assert sender.recv(100) == text.upper()
    assert server.counters("service").accepted == 3


@both
def test_none_is_no_answer(app, serving, sender, is_async):
    add(app, is_async, lambda datagram: datagram.data if datagram.data == b"answer me" else None)
    server = serving(app)
    for text in (b"nothing", b"answer me"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"answer me"


@both
def test_the_function_sees_who_sent_it(app, serving, sender, is_async):
    add(app, is_async, lambda datagram: str(datagram.address.port).encode())
    sender.sendto(b"x", serving(app)["service"])
    assert int(sender.recv(100)) == sender.getsockname()[1]


@both
def test_an_error_costs_one_datagram_and_is_logged(app, serving, sender, caplog, is_async):
    add(app, is_async, lambda datagram: b"%d" % (10 // int(datagram.data)))
    server = serving(app)
    for text in (b"0", b"5"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"2"
    until(lambda: server.counters("service").failed == 1)
    [record] = [each for each in caplog.records if each.name == "kolben.services"]
    assert record.getMessage().startswith("Error in service service, peer ")


@both
def test_each_datagram_has_an_app_context(app, serving, sender, is_async):
    add(app, is_async, lambda datagram: current_app.name.encode())
    sender.sendto(b"x", serving(app)["service"])
    assert sender.recv(100) == b"services"


def test_a_plain_function_answers_in_order(app, serving, sender):
    """It has one thread."""
    add(app, False, lambda datagram: datagram.data)
    server = serving(app)
    for number in range(100):
        sender.sendto(b"%d" % number, server["service"])
    assert [int(sender.recv(100)) for _ in range(100)] == list(range(100))


@both
def test_more_than_may_wait_are_dropped_and_counted(app, serving, sender, is_async):
    """As a network drops what it has no room for; memory stays bounded."""
    gate = threading.Event()

    def wait(datagram):
        gate.wait(SOON)
        return datagram.data

    async def wait_async(datagram):
        await asyncio.to_thread(gate.wait, SOON)
        return datagram.data

    app.udp("127.0.0.1:0", name="service")(wait_async if is_async else wait)
    server = serving(app, limits={"queue": 3})
    for number in range(5):
        sender.sendto(b"%d" % number, server["service"])
    until(lambda: server.counters("service").refused == 2)
    gate.set()
    assert sorted(sender.recv(100) for _ in range(3)) == [b"0", b"1", b"2"]


@both
def test_a_stop_lets_what_came_be_answered(app, serving, sender, is_async):
    gate = threading.Event()

    def wait(datagram):
        gate.wait(SOON)
        return b"finished"

    async def wait_async(datagram):
        await asyncio.to_thread(gate.wait, SOON)
        return b"finished"

    app.udp("127.0.0.1:0", name="service")(wait_async if is_async else wait)
    server = serving(app, timeouts={"graceful": 60})
    sender.sendto(b"x", server["service"])
    until(lambda: server.counters("service").active == 1)
    server.server.stop()
    until(lambda: not server.services["service"].sockets)
    gate.set()
    assert sender.recv(100) == b"finished"
    server.thread.join(SOON)
    assert not server.thread.is_alive()

"""UDP services: a call for each datagram; what it returns goes back to who sent it."""

import asyncio
import contextvars
import socket
import threading

import pytest
from tests.waiting import until

from kolben import App, current_app, g

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


# ---------------------------------------------------------------- one task for many, where nobody can tell

PLACE = contextvars.ContextVar("PLACE", default="unset")
kept = []


def keep_the_task():
    kept.append(asyncio.current_task())


def keep_the_context():
    kept.append(PLACE.set("kept"))


LEFT = {
    "a variable": lambda: PLACE.set("left"),
    "a variable's token": keep_the_context,
    "the task": keep_the_task,
    "its name": lambda: asyncio.current_task().set_name("left"),
    "a callback": lambda: asyncio.current_task().add_done_callback(kept.append),
    "its cancellation": lambda: asyncio.current_task().cancel(),
}


@pytest.mark.parametrize("leave", LEFT.values(), ids=LEFT)
def test_what_one_leaves_the_next_does_not_see(app, serving, sender, leave):
    """Neither in the Context nor in the task; and what was kept of a task ends with its datagram."""
    tasks = []

    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        task = asyncio.current_task()
        tasks.append((PLACE.get(), task.get_name(), task.cancelling(), g.get("mark")))
        g.mark = "left"
        if datagram.data == b"leave":
            leave()
        return b"answered"

    kept.clear()
    server = serving(app)
    for text in (b"look", b"leave", b"look", b"leave", b"look"):
        sender.sendto(text, server["service"])
        assert sender.recv(100) == b"answered"
    assert set(tasks) == {("unset", "service", 0, None)}
    until(lambda: all(each.done() for each in kept if isinstance(each, asyncio.Task)))
    kept.clear()


def test_a_task_goes_on_where_nothing_was_left(app, serving, sender):
    """PERF: so a datagram need not have one made."""

    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        return b"%d" % id(asyncio.current_task())

    server = serving(app)
    found = set()
    for _ in range(20):
        sender.sendto(b"x", server["service"])
        found.add(sender.recv(100))
    assert len(found) == 1


def test_one_that_waits_keeps_its_task_and_stops_nobody(app, serving, sender):
    """It is the same task before and after; the deadline that it set is its own."""
    gates = []

    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        task = asyncio.current_task()
        if datagram.data == b"wait":
            PLACE.set("waiting")
            gate = asyncio.Event()
            gates.append(gate)
            async with asyncio.timeout(SOON):
                await gate.wait()
            assert PLACE.get() == "waiting"
        elif datagram.data == b"open":
            for gate in gates:
                gate.set()
        assert asyncio.current_task() is task
        assert current_app.name == "services"
        return datagram.data

    server = serving(app)
    for text in (b"wait", b"wait", b"other"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"other"
    until(lambda: server.counters("service").active == 2)
    sender.sendto(b"open", server["service"])
    assert sorted(sender.recv(100) for _ in range(3)) == [b"open", b"wait", b"wait"]
    until(lambda: server.counters("service").active == 0)


def test_an_error_after_a_wait_is_logged(app, serving, sender, caplog):
    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        await asyncio.sleep(0)
        return b"%d" % (10 // int(datagram.data))

    server = serving(app)
    for text in (b"0", b"5"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"2"
    until(lambda: server.counters("service").failed == 1)
    assert [each.name for each in caplog.records if each.levelname == "ERROR"] == ["kolben.services"]


def test_one_that_is_cancelled_costs_one_datagram(app, serving, sender, caplog):
    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        if datagram.data == b"at once":
            raise asyncio.CancelledError
        if datagram.data == b"later":
            asyncio.current_task().cancel()
            await asyncio.sleep(SOON)
        return datagram.data

    server = serving(app)
    for text in (b"at once", b"later", b"answer me"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"answer me"
    until(lambda: server.counters("service").active == 0)


def test_what_waits_at_the_deadline_of_a_stop_is_cancelled(app, serving, sender):
    cancelled = threading.Event()

    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    server = serving(app)
    sender.sendto(b"x", server["service"])
    until(lambda: server.counters("service").active == 1)
    server.stop()
    assert cancelled.is_set()


def test_a_function_may_stop_its_own_server(app, serving, sender):
    """Its answer still goes out."""
    running = []

    @app.udp("127.0.0.1:0", name="service")
    async def service(datagram):
        running[0].services["service"].drain()
        return b"good-bye"

    running.append(serving(app))
    sender.sendto(b"x", running[0]["service"])
    assert sender.recv(100) == b"good-bye"
    until(lambda: running[0].counters("service").active == 0)

"""UDP services: a call for each datagram; what it returns goes back to who sent it."""

import asyncio
import contextvars
import os
import socket
import sys
import threading
import time

import pytest
from tests.waiting import until

from kolben import App, current_app, g
from kolben.services import datagrams
from kolben.services.datagrams import DatagramService

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


def add(app, is_async, function, address="127.0.0.1:0"):
    async def awaited(datagram):
        return function(datagram)

    app.udp(address, name="service")(awaited if is_async else function)


@both
def test_what_the_function_returns_goes_back(app, serving, sender, is_async):
    add(app, is_async, lambda datagram: datagram.data.upper())
    server = serving(app)
    for text in (b"one", b"two", b""):
        sender.sendto(text, server["service"])
        assert sender.recv(100) == text.upper()
    assert server.counters("service").accepted == 3


@both
def test_datagrams_of_a_unix_socket_are_answered_to_whoever_has_a_name(app, serving, tmp_path, monkeypatch, is_async):
    """The others are served, but there is nowhere to answer to."""
    monkeypatch.chdir(tmp_path)
    add(app, is_async, lambda datagram: datagram.data.upper(), address="unix-dgram:service.sock")
    server = serving(app)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as named, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nameless:
        named.bind("named")
        named.settimeout(SOON)
        nameless.sendto(b"one", "service.sock")
        named.sendto(b"two", "service.sock")
        assert named.recv(100) == b"TWO"
    assert server.counters("service").accepted == 2
    assert server.counters("service").failed == 0


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


def test_one_that_waits_too_long_is_cancelled_and_told_of(app, serving, sender, caplog):
    """Its datagram has no answer; others have theirs."""
    cancelled = threading.Event()

    @app.udp("127.0.0.1:0", name="service", timeout=0.01)
    async def service(datagram):
        if datagram.data == b"wait":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
        await asyncio.sleep(0)
        return datagram.data

    server = serving(app)
    for text in (b"wait", b"answer me"):
        sender.sendto(text, server["service"])
    assert sender.recv(100) == b"answer me"
    assert cancelled.wait(SOON)
    until(lambda: server.counters("service").active == 0)
    until(lambda: "service gave no answer within 0.01 s" in caplog.text)
    assert server.counters("service").failed == 0


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


# ---------------------------------------------------------------- replies that leave together


def burst(server, sender, texts):
    """Send many while the loop is busy, so that it finds them all at once; b"begin" is the first, and is answered when they are there."""
    sender.sendto(b"begin", server["service"])
    for text in texts:
        sender.sendto(text, server["service"])


@pytest.fixture
def busy(app):
    """busy(function) adds an async service whose first call blocks the loop until gate.set()."""
    gate = threading.Event()

    def add(function):
        @app.udp("127.0.0.1:0", name="service")
        async def service(datagram):
            if datagram.data == b"begin":
                assert gate.wait(SOON)
            return await function(datagram)

        return gate

    return add


async def same(datagram):
    return datagram.data


def test_every_reply_of_a_burst_goes_to_who_asked(busy, app, serving, sender):
    gate = busy(same)
    server = serving(app)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.settimeout(SOON)
        burst(server, sender, [b"%d" % number for number in range(50)])
        other.sendto(b"other", server["service"])
        gate.set()
        assert [sender.recv(100) for _ in range(51)] == [b"begin", *(b"%d" % number for number in range(50))]
        assert other.recv(100) == b"other"


def test_a_reply_that_cannot_be_sent_costs_nobody_else_theirs(busy, app, serving, sender, caplog):
    """Too long for a datagram, or no bytes at all."""

    async def reply(datagram):
        return {b"long": b"x" * 70_000, b"text": "text"}.get(datagram.data, datagram.data)

    gate = busy(reply)
    server = serving(app)
    burst(server, sender, [b"1", b"long", b"2", b"text", b"3", b"long"])
    gate.set()
    assert [sender.recv(100) for _ in range(4)] == [b"begin", b"1", b"2", b"3"]
    until(lambda: caplog.text.count("more than fits into one datagram") == 2)
    assert server.counters("service").failed == 3


def test_a_buffer_that_is_used_again_is_sent_as_it_was(busy, app, serving, sender):
    buffer = bytearray(1)

    async def reply(datagram):
        buffer[:] = datagram.data
        return buffer

    gate = busy(reply)
    server = serving(app)
    burst(server, sender, [b"1", b"2", b"3"])
    gate.set()
    assert [sender.recv(100) for _ in range(4)] == [b"begin", b"1", b"2", b"3"]


def test_what_was_answered_does_not_wait_for_who_waits(busy, app, serving, sender):
    """In the same burst, and with replies before it."""
    gates = []

    async def reply(datagram):
        if datagram.data == b"wait":
            gates.append(asyncio.Event())
            await gates[-1].wait()
        elif datagram.data == b"open":
            for each in gates:
                each.set()
        return datagram.data

    gate = busy(reply)
    server = serving(app)
    burst(server, sender, [b"1", b"wait", b"2"])
    gate.set()
    assert [sender.recv(100) for _ in range(3)] == [b"begin", b"1", b"2"]
    sender.sendto(b"open", server["service"])
    assert sorted(sender.recv(100) for _ in range(2)) == [b"open", b"wait"]


def test_a_slow_functions_replies_are_not_kept(busy, app, serving, sender):
    """The first is out before the second call is over."""
    second_may_end = threading.Event()

    async def reply(datagram):
        if datagram.data == b"second":
            assert second_may_end.wait(SOON)
        began = time.monotonic()
        while time.monotonic() < began + 0.0015:
            pass  # longer than replies wait for each other
        return datagram.data

    gate = busy(reply)
    server = serving(app)
    burst(server, sender, [b"second"])
    gate.set()
    assert sender.recv(100) == b"begin"
    second_may_end.set()
    assert sender.recv(100) == b"second"


def test_a_burst_of_slow_calls_lets_others_have_their_turn(busy, app, serving, sender):
    """What the loop was asked for in the first call it does before the last."""
    calls, before = [], []

    async def reply(datagram):
        if datagram.data == b"begin":
            asyncio.get_running_loop().call_soon(lambda: before.extend(calls))
        calls.append(datagram.data)
        began = time.monotonic()
        while time.monotonic() < began + 0.0015:
            pass
        return datagram.data

    gate = busy(reply)
    server = serving(app)
    burst(server, sender, [b"%d" % number for number in range(20)])
    gate.set()
    assert [len(sender.recv(100)) > 0 for _ in range(21)]
    assert 0 < len(before) < 20


@pytest.mark.skipif(sys.platform != "linux", reason="where a sender is told that its peer has no room")
def test_replies_that_the_system_does_not_take_yet_are_sent_later(app, serving, tmp_path, monkeypatch):
    """Nothing is lost, and nobody waits for a peer who does not receive."""
    monkeypatch.chdir(tmp_path)
    app.services.append(DatagramService(same, "unix-dgram:service.sock", name="service"))
    server = serving(app)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as slow, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        for sock, name in ((slow, "slow"), (other, "other")):
            sock.bind(name)
            sock.settimeout(SOON)
        for number in range(100):
            slow.sendto(b"%d" % number, "service.sock")
            until(lambda number=number: server.counters("service").accepted == number + 1)
        other.sendto(b"x", "service.sock")
        assert other.recv(100) == b"x"
        assert server.counters("service").active > 0
        assert sorted(int(slow.recv(100)) for _ in range(100)) == list(range(100))
        until(lambda: server.counters("service").active == 0)


@both
def test_a_receive_that_fails_is_told_of_and_tried_again(app, serving, sender, caplog, monkeypatch, is_async):
    """Nothing is lost that the system still has."""
    monkeypatch.setattr(datagrams, "REST", 0.01)
    add(app, is_async, lambda datagram: datagram.data)
    server = serving(app)
    sender.sendto(b"before", server["service"])
    assert sender.recv(100) == b"before"
    [sock] = server.services["service"]._open
    with open(os.devnull, "rb") as no_socket:
        saved = os.dup(sock.fileno())
        os.dup2(no_socket.fileno(), sock.fileno())
    sender.sendto(b"after", server["service"])
    until(lambda: "service receives nothing for 0.01 s" in caplog.text)
    os.dup2(saved, sock.fileno())
    os.close(saved)
    assert sender.recv(100) == b"after"

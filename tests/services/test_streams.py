"""TCP and Unix services: a call for each connection, an end for each call, and limits on both."""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import threading

import pytest
from tests.waiting import until

from kolben import App, current_app, g
from kolben.base import RemoteProtocolError, UsageError
from kolben.testing.faults import Peer

SOON = 10


@pytest.fixture
def app():
    return App("services")


def add_greeting(app, is_async, address="127.0.0.1:0"):
    if is_async:

        @app.tcp(address)
        async def greet(stream):
            await stream.send(b"Thank you for connecting")

    else:

        @app.tcp(address)
        def greet(stream):
            stream.send(b"Thank you for connecting")


def add_echo(app, is_async, **options):
    if is_async:

        @app.tcp("127.0.0.1:0", **options)
        async def echo(stream):
            while data := await stream.recv():
                await stream.send(data)

    else:

        @app.tcp("127.0.0.1:0", **options)
        def echo(stream):
            while data := stream.recv():
                stream.send(data)


both = pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])


@both
def test_a_connection_is_one_call_and_closed_when_it_returns(app, serving, peer, is_async):
    add_greeting(app, is_async)
    server = serving(app)
    assert peer(server["greet"]).rest() == b"Thank you for connecting"
    until(lambda: server.counters("greet").active == 0)
    assert server.counters("greet").accepted == 1


@both
def test_many_are_served_at_once(app, serving, connection_flood, is_async):
    add_echo(app, is_async)
    server = serving(app)
    flood = connection_flood(server["echo"], 50)
    for number, each in enumerate(flood):
        each.send(b"%3d" % number)
    assert [int(each.receive(3)) for each in reversed(flood)] == list(reversed(range(50)))
    assert server.counters("echo").active == 50


@both
def test_a_greeting_is_not_lost_to_a_peer_that_spoke_first(app, serving, peer, is_async):
    """Closing with unread input would be a reset, which destroys what was sent: input is read and dropped for a while."""
    if is_async:

        @app.tcp("127.0.0.1:0", name="greet")
        async def function(stream):
            await stream.recv(1)  # so that there is input when it ends
            await stream.send(b"Thank you for connecting")

    else:

        @app.tcp("127.0.0.1:0", name="greet")
        def function(stream):
            stream.recv(1)
            stream.send(b"Thank you for connecting")

    talkative = peer(serving(app)["greet"])
    talkative.send(b"x" * 100_000)
    talkative.half_close()
    assert talkative.rest() == b"Thank you for connecting"


@both
def test_an_error_resets_the_connection_and_is_logged_with_name_and_peer(app, serving, peer, caplog, is_async):
    """A peer must not take what was cut off for something whole."""
    if is_async:

        @app.tcp("127.0.0.1:0", name="broken")
        async def function(stream):
            await stream.send(b"half of")
            raise ZeroDivisionError

    else:

        @app.tcp("127.0.0.1:0", name="broken")
        def function(stream):
            stream.send(b"half of")
            raise ZeroDivisionError

    server = serving(app)
    victim = peer(server["broken"])
    with pytest.raises(ConnectionResetError):
        victim.rest() and victim.rest()
    until(lambda: server.counters("broken").active == 0)
    assert server.counters("broken").failed == 1
    [record] = [each for each in caplog.records if each.name == "kolben.services"]
    assert record.getMessage().startswith("Error in service broken, peer 127.0.0.1:")
    assert record.exc_info[0] is ZeroDivisionError


@both
def test_what_the_peer_did_wrong_is_no_error_of_ours(app, serving, peer, caplog, is_async):
    caplog.set_level(logging.INFO, "kolben.services")

    def refuse(stream):
        raise RemoteProtocolError("expected a verb, got nonsense")

    async def refuse_async(stream):
        refuse(stream)

    app.tcp("127.0.0.1:0", name="strict")(refuse_async if is_async else refuse)
    server = serving(app)
    assert peer(server["strict"]).rest() == b""
    until(lambda: server.counters("strict").active == 0)
    assert server.counters("strict").failed == 0
    [record] = [each for each in caplog.records if each.name == "kolben.services"]
    assert "expected a verb" in record.getMessage()
    assert record.exc_info is None


@both
def test_each_connection_has_an_app_context_of_its_own(app, serving, peer, is_async):
    ended = []
    app.teardown_appcontext(lambda error: ended.append((g.name, error)))

    def name(stream):
        assert "name" not in g
        g.name = current_app.name
        return g.name.encode()

    def whole(stream):
        stream.send(name(stream))

    async def whole_async(stream):
        await stream.send(name(stream))

    app.tcp("127.0.0.1:0", name="named")(whole_async if is_async else whole)
    server = serving(app)
    assert [peer(server["named"]).rest() for _ in range(2)] == [b"services"] * 2
    until(lambda: len(ended) == 2)
    assert ended == [("services", None)] * 2


def test_a_plain_function_may_block_while_others_are_served(app, serving, peer):
    """Each has a thread of its own."""
    gate = threading.Event()

    @app.tcp("127.0.0.1:0")
    def wait(stream):
        if stream.recv() == b"wait":
            gate.wait(SOON)
        stream.send(b"done")

    server = serving(app)
    slow, quick = peer(server["wait"]), peer(server["wait"])
    slow.send(b"wait")
    quick.send(b"go")
    assert quick.rest() == b"done"
    gate.set()
    assert slow.rest() == b"done"


def test_who_finds_no_thread_free_waits_in_the_queue(app, serving, peer):
    """limits.connection_threads counts the connections of all plain services together."""
    add_echo(app, is_async=False)
    server = serving(app, limits={"connection_threads": 2})
    first, second, third = [peer(server["echo"]) for _ in range(3)]
    for each in (first, second, third):
        each.send(b"x")
    assert first.receive(1) == second.receive(1) == b"x"
    assert server.call(lambda: server.counters("echo").active) == 2
    first.close()
    assert third.receive(1) == b"x"


def test_a_service_takes_no_more_connections_than_it_was_told(app, serving, peer):
    add_echo(app, is_async=True, connections=1)
    server = serving(app)
    first, second = peer(server["echo"]), peer(server["echo"])
    for each in (first, second):
        each.send(b"x")
    assert first.receive(1) == b"x"
    assert server.call(lambda: server.counters("echo").active) == 1
    first.close()
    assert second.receive(1) == b"x"


@both
def test_a_timeout_holds_for_each_call_of_the_stream(app, serving, peer, is_async):
    add_echo(app, is_async, timeout=0.05)
    server = serving(app)
    silent = peer(server["echo"])
    assert silent.is_ended()
    until(lambda: server.counters("echo").active == 0)
    assert server.counters("echo").failed == 0


@both
def test_a_stop_lets_what_runs_finish(app, serving, peer, is_async):
    gate = threading.Event()

    def finish(stream):
        stream.recv()
        gate.wait(SOON)
        stream.send(b"finished")

    async def finish_async(stream):
        await stream.recv()
        await asyncio.to_thread(gate.wait, SOON)
        await stream.send(b"finished")

    app.tcp("127.0.0.1:0", name="work")(finish_async if is_async else finish)
    server = serving(app, timeouts={"graceful": 60})
    busy = peer(server["work"])
    busy.send(b"x")
    until(lambda: server.counters("work").active == 1)
    server.server.stop()
    until(lambda: not server.services["work"].sockets)
    with pytest.raises(ConnectionRefusedError):
        Peer(server["work"])
    gate.set()
    assert busy.rest() == b"finished"
    server.thread.join(SOON)
    assert not server.thread.is_alive()


@both
def test_at_the_deadline_what_still_runs_is_cut(app, serving, peer, caplog, is_async):
    add_echo(app, is_async)
    server = serving(app, timeouts={"graceful": 0})
    idle = peer(server["echo"])
    idle.send(b"x")
    assert idle.receive(1) == b"x"
    server.stop()
    assert idle.is_ended()
    until(lambda: server.counters("echo").active == 0)
    assert any("Stopped with 1 of echo unfinished" in each.getMessage() for each in caplog.records)


@both
def test_a_peer_that_resets_in_any_state_leaves_nothing_behind(app, serving, reset, is_async):
    """While it is silent, in the middle of a message, while it is answered: counted, here and by the fixtures."""
    add_echo(app, is_async)
    server = serving(app)
    for _ in range(5):
        reset(server["echo"])
        reset(server["echo"], b"some")
        reset(server["echo"], b"x" * 300_000)
        reset(server["echo"], b"line\n", wait_for=b"\n")
    until(lambda: server.counters("echo").accepted == 20)
    until(lambda: server.counters("echo").active == 0)
    assert server.counters("echo").failed == 0


@both
def test_a_stalled_reader_holds_up_its_sender_and_nobody_else(app, serving, stalled_reader, peer, is_async):
    add_echo(app, is_async)
    server = serving(app)
    stalled = stalled_reader(server["echo"])
    assert stalled.send_until_stalled(b"x" * 65536, at_most=1 << 28) < 1 << 28
    other = peer(server["echo"])
    other.send(b"y")
    assert other.receive(1) == b"y"
    stalled.reset()
    until(lambda: server.counters("echo").active == 1)


def test_one_peer_cannot_take_all_connections(app, serving, peer, monkeypatch):
    from kolben.services import streams

    monkeypatch.setattr(streams, "UNCOUNTED", frozenset())
    add_echo(app, is_async=True)
    server = serving(app, limits={"connections_per_address": 1})
    first = peer(server["echo"])
    first.send(b"x")
    assert first.receive(1) == b"x"
    assert peer(server["echo"]).is_ended()
    assert server.counters("echo").refused == 1


@both
def test_a_unix_socket_is_a_service_like_any_other(app, serving, peer, tmp_path, monkeypatch, is_async):
    monkeypatch.chdir(tmp_path)

    def greet(stream):
        stream.send(b"hello")

    async def greet_async(stream):
        await stream.send(b"hello")

    app.unix("it.sock?mode=600")(greet_async if is_async else greet)
    server = serving(app)
    assert peer("unix:it.sock").rest() == b"hello"
    assert (tmp_path / "it.sock").stat().st_mode & 0o777 == 0o600
    server.stop()
    assert not (tmp_path / "it.sock").exists()


@both
def test_tls_is_agreed_before_the_function_is_called(app, serving, certificate, is_async):
    add_named(app, certificate, is_async)
    server = serving(app)
    trusting = ssl.create_default_context(cafile=certificate)
    with socket.create_connection(server["secret"], SOON) as plain, trusting.wrap_socket(plain, server_hostname="localhost") as peer:
        peer.sendall(b"hello")
        assert peer.recv(100) == b"HELLO"
    until(lambda: server.counters("secret").active == 0)
    assert server.counters("secret").failed == 0


@both
def test_who_speaks_no_tls_is_turned_away_and_is_no_error_of_ours(app, serving, peer, certificate, is_async):
    add_named(app, certificate, is_async)
    server = serving(app)
    plain = peer(server["secret"])
    plain.send(b"GET / HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        assert b"HELLO" not in plain.rest()
    until(lambda: server.counters("secret").active == 0)
    assert server.counters("secret").failed == 0


def add_named(app, certificate, is_async):
    def shout(stream):
        stream.send(stream.recv().upper())

    async def shout_async(stream):
        await stream.send((await stream.recv()).upper())

    app.tls("127.0.0.1:0", certificate=certificate, name="secret")(shout_async if is_async else shout)


def test_several_services_run_in_one_app(app, serving, peer):
    add_greeting(app, is_async=True)
    add_echo(app, is_async=False)
    server = serving(app)
    assert peer(server["greet"]).rest() == b"Thank you for connecting"
    other = peer(server["echo"])
    other.send(b"x")
    assert other.receive(1) == b"x"


def test_a_socket_that_the_server_was_started_with_is_listened_on(app, serving, peer):
    """As a service manager passes it on.  It is said where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as passed:
        host, port = passed.getsockname()
        add_greeting(app, is_async=True, address=f"fd://{os.dup(passed.fileno())}")
        server = serving(app)
        assert app.services[0].places() == [f"{host}:{port}"]
        assert peer(server["greet"]).rest() == b"Thank you for connecting"


@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_returned_goes_nowhere_and_is_told_of_once(app, serving, peer, caplog, is_async):
    """A view returns its answer; a service sends it."""

    def greet(stream):
        return b"Thank you for connecting"

    async def greet_async(stream):
        return b"Thank you for connecting"

    app.tcp("127.0.0.1:0", name="greet")(greet_async if is_async else greet)
    server = serving(app)
    for _ in range(2):
        assert peer(server["greet"]).rest() == b""
    assert [record.getMessage() for record in caplog.records] == ["greet returned bytes, which goes nowhere. Say it with stream.send()"]


def test_a_generator_is_refused_where_it_is_written(app):
    """Nobody would iterate over it."""

    def lines(stream):
        yield b"x"

    async def lines_async(stream):
        yield b"x"

    for function in (lines, lines_async):
        with pytest.raises(UsageError, match=r"without `yield`.*stream.send"):
            app.tcp("127.0.0.1:0")(function)
        with pytest.raises(UsageError, match=r"without `yield`.*Return the answer"):
            app.udp("127.0.0.1:0")(function)
        assert not app.services


def test_the_decorated_function_stays_what_it_was(app):
    """It is called in a test as any function."""

    def greet(stream):
        return stream

    assert app.tcp("127.0.0.1:0")(greet) is greet
    assert greet("x") == "x"


@pytest.mark.parametrize(
    ("register", "why"),
    [
        (lambda app: app.tcp("127.0.0.1"), "expected a port"),
        (lambda app: app.tcp("udp://127.0.0.1:1"), "app.tcp: expected an address such as tcp://127.0.0.1:12345.*use app.udp for it"),
        (lambda app: app.tcp("unix:/run/app.sock"), "use app.unix for it"),
        (lambda app: app.unix("tcp://127.0.0.1:1"), "expected an address such as unix:/run/app.sock.*use app.tcp for it"),
        (lambda app: app.tcp("unix-dgram:/run/app.sock"), "use app.udp for it"),
        (lambda app: app.tls("fd://3", context=object()), "use app.tcp for it"),
        (lambda app: app.tcp("http://127.0.0.1:1"), "Leave out http://"),
        (lambda app: app.tcp(("127.0.0.1", 1)), "Write, for instance, '127.0.0.1:1'"),
        (lambda app: app.tcp(12345), "Write, for instance, '127.0.0.1:12345'"),
        (lambda app: app.unix("unix:"), "expected a path"),
        (lambda app: app.tls("127.0.0.1:1"), "expected certificate= and key=, or context="),
        (lambda app: app.tls("127.0.0.1:1", certificate="nowhere.pem"), "expected PEM files"),
    ],
)
def test_an_address_that_cannot_be_is_refused_where_it_is_written(app, register, why):
    with pytest.raises(UsageError, match=why):
        register(app)(lambda stream: None)

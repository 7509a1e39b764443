"""Datagrams in both forms: each comes whole, or says that it does not."""

import asyncio
import os
import socket
import sys
import threading

import pytest

from kolben.base import UsageError
from kolben.net import Datagram, UDPAddress, UnixDatagramAddress, aio, bind, connect
from kolben.net.errors import AddressInUseError, ClosedError, NetworkError, RefusedError, TimedOutError

SOON = 10
LOCAL = "udp://127.0.0.1:0"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A short path, for sun_path is short."""
    monkeypatch.chdir(tmp_path)
    return "log.sock"


def test_datagrams_come_with_who_sent_them(run):
    """To whom the answer goes."""

    async def main():
        async with await aio.bind(LOCAL) as here, await aio.connect(here.local_address) as there:
            await there.send(b"question")
            data, address = await here.recv_from(timeout=SOON)
            assert (data, address) == (b"question", there.local_address)
            await here.send_to(b"answer", address)
            assert await there.recv(timeout=SOON) == b"answer"
            await here.send_to(b"", str(address))
            assert await there.recv(timeout=SOON) == b""
            await there.send(b"another")
            await here.send_back(b"answer to it", await here.recv_from(timeout=SOON))
            assert await there.recv(timeout=SOON) == b"answer to it"
            await there.send_back(b"to a peer", Datagram(b"", here.local_address))
            assert await here.recv(timeout=SOON) == b"to a peer"

    run(main())


def test_a_datagram_that_was_cut_says_so(run):
    """The next one is whole again."""

    async def main():
        async with await aio.bind(LOCAL) as here, await aio.connect(here.local_address) as there:
            await there.send(b"x" * 100)
            await there.send(b"y" * 10)
            datagram = await here.recv_from(10, timeout=SOON)
            assert (datagram.data, datagram.truncated) == (b"x" * 10, True)
            datagram = await here.recv_from(10, timeout=SOON)
            assert (datagram.data, datagram.truncated) == (b"y" * 10, False)

    run(main())


def test_a_receive_that_waits_is_woken_and_one_that_is_late_loses_nothing(run):
    """Nor one that is cancelled."""

    async def main():
        async with await aio.bind(LOCAL) as here, await aio.connect(here.local_address) as there:
            with pytest.raises(TimedOutError, match="nothing came within"):
                await here.recv_from(timeout=0.001)
            late = asyncio.create_task(here.recv_from())
            await asyncio.sleep(0)
            late.cancel()
            await there.send(b"x")
            with pytest.raises(asyncio.CancelledError):
                await late
            assert await here.recv(timeout=SOON) == b"x"
            waiting = asyncio.create_task(here.recv_from())
            await asyncio.sleep(0)
            await there.send(b"y")
            assert (await waiting).data == b"y"

    run(main())


def test_a_connected_socket_learns_that_nobody_is_there(run):
    """By the system, when it tries again."""

    async def main():
        async with await aio.bind(LOCAL) as here:
            address = here.local_address
        async with await aio.connect(address) as there:
            await there.send(b"x")
            with pytest.raises(RefusedError, match="nobody listens there"):
                await there.recv(timeout=SOON)

    run(main())


def test_a_closed_socket_says_so(run):
    """To who waits on it, too."""

    async def main():
        here = await aio.bind(LOCAL)
        waiting = asyncio.create_task(here.recv_from())
        await asyncio.sleep(0)
        await here.close()
        await here.close()
        with pytest.raises(ClosedError):
            await waiting
        with pytest.raises(ClosedError):
            here.send_to(b"x", "udp://127.0.0.1:9")

    run(main())


def test_many_datagrams_do_not_keep_other_tasks_from_their_turn(run):
    """A receive that never has to wait still lets go now and then."""

    async def main():
        turns = 0

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with await aio.bind(LOCAL) as here, await aio.connect(here.local_address) as there:
            task = asyncio.create_task(other())
            for _ in range(1000):
                await there.send(b"x")
                await here.recv(timeout=SOON)
            task.cancel()
            assert turns >= 5

    run(main())


def test_what_is_too_large_is_refused(run):
    """With the system's number."""

    async def main():
        async with await aio.bind(LOCAL) as here:
            with pytest.raises(NetworkError, match="more than fits into one datagram"):
                await here.send_to(b"x" * 70_000, here.local_address)

    run(main())


def test_the_blocking_form_does_the_same():
    """For threads."""
    with bind(LOCAL) as here, connect(here.local_address, local="udp://127.0.0.1:0") as there:
        there.send(b"question")
        datagram = here.recv_from(5, timeout=SOON)
        assert (datagram.data, datagram.truncated, datagram.address) == (b"quest", True, there.local_address)
        here.send_to(b"answer", datagram.address)
        assert there.recv(timeout=SOON) == b"answer"
        here.send_back(b"more", datagram)
        assert there.recv(timeout=SOON) == b"more"
        with pytest.raises(TimedOutError, match="nothing came in time"):
            here.recv_from(timeout=0.001)
    with pytest.raises(ClosedError):
        here.recv_from()


@LINUX
def test_unix_sockets_carry_datagrams_too(run, path):
    """The file goes with the socket."""

    async def main():
        async with await aio.bind(f"unix-dgram:{path}") as here:
            assert here.local_address == UnixDatagramAddress(path)
            async with await aio.connect(here.local_address) as there:
                await there.send(b"question")
                data, address = await here.recv_from(timeout=SOON)
                assert address.is_abstract
                await here.send_to(data.upper(), address)
                assert await there.recv(timeout=SOON) == b"QUESTION"
                await there.send(b"again")
                await here.send_back(b"AGAIN", await here.recv_from(timeout=SOON))
                assert await there.recv(timeout=SOON) == b"AGAIN"

    run(main())
    assert not os.path.exists(path)


@LINUX
def test_the_blocking_form_has_unix_sockets_too(path):
    """With permissions from the first moment."""
    with bind(f"unix-dgram:{path}", mode=0o600) as here, connect(f"unix-dgram:{path}") as there:
        assert os.stat(path).st_mode & 0o777 == 0o600
        there.send(b"x")
        datagram = here.recv_from(timeout=SOON)
        here.send_to(b"y", datagram.address)
        assert there.recv_from(timeout=SOON).address == UnixDatagramAddress(path)
    assert not os.path.exists(path)


def test_a_file_that_nobody_answers_on_is_replaced_and_one_in_use_is_not(path):
    """It is left over from a process that ended."""
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(path)
    with pytest.raises(AddressInUseError, match="somebody listens there already"):
        bind(f"unix-dgram:{path}")
    left.close()
    with bind(f"unix-dgram:{path}"):
        pass
    held_by = rf" by .* \(pid {os.getpid()}\)" if sys.platform == "linux" else ""
    with bind(LOCAL) as here, pytest.raises(AddressInUseError, match=f"port {here.local_address.port} is in use{held_by}"):
        bind(here.local_address)


def test_addresses_for_streams_are_refused():
    """And names, which would have to be looked up each time."""
    with pytest.raises(UsageError, match=r"For connections call listen\(\)"):
        bind("127.0.0.1:0")
    with bind(LOCAL) as here:
        with pytest.raises(UsageError, match="expected udp://host:port or unix-dgram:/path"):
            here.send_to(b"x", "127.0.0.1:9")
        with pytest.raises(UsageError, match="expected an IP address, got a name"):
            here.send_to(b"x", UDPAddress("localhost", 9))


@pytest.mark.parametrize("opening", ["bind", "local", "listen"])
def test_a_name_is_not_looked_up_in_the_loops_thread(run, monkeypatch, opening):
    """A resolver that takes its time holds nobody up."""
    real, asked_in = socket.getaddrinfo, []

    def getaddrinfo(host, *args, **options):
        is_name = host in ("localhost", b"localhost")
        if is_name:
            asked_in.append(threading.current_thread())
        return real("127.0.0.1" if is_name else host, *args, **options)

    async def main():
        if opening == "bind":
            await (await aio.bind("udp://localhost:0")).close()
        elif opening == "listen":
            (await aio.listen("localhost:0")).close()
        else:
            await (await aio.connect("udp://127.0.0.1:9", local="udp://localhost:0")).close()
        await asyncio.get_running_loop().shutdown_default_executor()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    run(main())
    assert asked_in
    assert threading.main_thread() not in asked_in

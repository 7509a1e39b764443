"""What is sent has to be bytes; the refusal says what to do with what else came."""

import array
import asyncio
import socket

import pytest

from kolben import net
from kolben.net import aio
from kolben.net.bytelike import view_of


def test_memory_of_any_kind_is_seen_as_bytes():
    """However long its items are."""
    assert view_of(array.array("H", [1, 2])).nbytes == len(view_of(array.array("H", [1, 2]))) == 4
    assert view_of(bytearray(b"x")) == view_of(memoryview(b"x")) == b"x"


WRONG = [
    ("text", "^expected bytes, got str: encode it, as data.encode"),
    (5, "^expected bytes, got int$"),
    (None, "^expected bytes, got NoneType$"),
    ([b"x"], "^expected bytes, got list$"),
]


def calls(stream, datagrams, data):
    """Each way to give data to a socket."""
    yield lambda: stream.send(data)
    yield lambda: stream.recv_until(data)
    yield lambda: datagrams.send_to(data, datagrams.local_address)


@pytest.mark.parametrize(("data", "says"), WRONG)
def test_what_is_no_bytes_is_refused_by_blocking_sockets(data, says):
    with (
        net.listen("127.0.0.1:0") as listener,
        net.connect(listener.address) as stream,
        listener.accept() as peer,
        net.bind("udp://127.0.0.1:0") as datagrams,
    ):
        for call in calls(stream, datagrams, data):
            with pytest.raises(TypeError, match=says):
                call()
        stream.send(b"x")
        assert peer.recv() == b"x"


@pytest.mark.parametrize(("data", "says"), WRONG)
def test_what_is_no_bytes_is_refused_by_awaited_sockets(run, data, says):
    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            async with aio.Stream(ours) as stream, await aio.bind("udp://127.0.0.1:0") as datagrams:
                for call in calls(stream, datagrams, data):
                    with pytest.raises(TypeError, match=says):
                        call()
                await stream.send(b"x")
                assert theirs.recv(2) == b"x"

    run(main())


def test_who_forgot_to_await_what_is_sent_is_told(run):
    """A receive gives bytes when it is awaited; until then it is none."""

    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            async with aio.Stream(ours) as stream:
                call = stream.recv()
                with pytest.raises(TypeError, match=r"^expected bytes, got Recv: await it first$"):
                    await stream.send(call)
                theirs.send(b"x")
                assert await asyncio.wait_for(call, 10) == b"x"

    run(main())

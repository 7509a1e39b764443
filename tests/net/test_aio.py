"""The awaiting form: streams of tasks, over one native poller nested in their loop, on asyncio's own loop and on uvloop."""

import asyncio
import contextlib
import socket

import pytest

from kolben.base import LimitExceeded
from kolben.net import TCPAddress, aio
from kolben.net.errors import ClosedError, IncompleteReadError, ResetError, TimedOutError

SOON = 10  # seconds that anything may take which should happen at once
LOCAL = "127.0.0.1:0"


@contextlib.asynccontextmanager
async def pair(address=LOCAL):
    """Both ends of one connection."""
    async with await aio.listen(address) as listener:
        near = await aio.connect(listener.address)
        far = await listener.accept(timeout=SOON)
        async with near, far:
            yield near, far


async def too_late(call):
    """Returns when the call was late."""
    with pytest.raises(TimedOutError, match=r"within 0\.001 s"):
        await call


async def after(moment, near, call):
    """What a call gives that waits until then for something to come."""
    task = asyncio.create_task(call)
    await moment
    await near.send(b"after")
    return await task


async def ended(stream):
    """Receive until the peer has closed or cut."""
    with contextlib.suppress(OSError):
        while await stream.recv(timeout=SOON):
            pass


def test_bytes_go_both_ways(run):
    """What one end sends the other receives, and both know who the other is."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"ping")
            assert await far.recv() == b"ping"
            await far.send(bytearray(b"pong"))
            assert await near.recv() == b"pong"
            assert near.peer_address == far.local_address
            assert isinstance(far.peer_address, TCPAddress)
            assert far.peer_address == near.local_address

    run(main())


def test_a_receive_that_waits_is_woken_by_bytes_and_by_the_end(run):
    """The end is b"", again and again."""

    async def main():
        async with pair() as (near, far):
            receiving = asyncio.create_task(far.recv())
            await asyncio.sleep(0)
            await near.send(b"x")
            assert await receiving == b"x"
            receiving = asyncio.create_task(far.recv())
            await asyncio.sleep(0)
            near.send_eof()
            assert await receiving == b""
            assert await far.recv() == b""

    run(main())


def test_after_its_end_a_stream_still_receives(run):
    """send_eof() closes one direction."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"question")
            await near.send_eof()
            assert await far.recv_exactly(8) == b"question"
            assert await far.recv() == b""
            await far.send(b"answer")
            assert await near.recv() == b"answer"
            with pytest.raises(ClosedError):
                near.send(b"more")

    run(main())


def test_pieces_are_cut_where_the_caller_says(run):
    """And what was received beyond stays for the next call."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"head\r\n\r\nbody of 10one\ntwo\nthree")
            await near.send_eof()
            assert await far.recv_until(b"\r\n\r\n") == b"head\r\n\r\n"
            assert await far.recv_exactly(10) == b"body of 10"
            assert await far.recv_exactly(0) == b""
            assert await far.recv(2) == b"on"
            assert [line async for line in far] == [b"e\n", b"two\n", b"three"]

    run(main())


def test_an_end_in_the_middle_gives_what_came(run):
    """As `partial`."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"abc")
            await near.close()
            with pytest.raises(IncompleteReadError, match="expected 5 bytes, got 3") as caught:
                await far.recv_exactly(5)
            assert (caught.value.partial, caught.value.expected) == (b"abc", 5)
            assert isinstance(caught.value, EOFError)

    run(main())


def test_a_separator_has_to_come_within_the_limit(run):
    """What came stays, and so memory is bounded."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"x" * 100)
            with pytest.raises(LimitExceeded, match="within 50 bytes"):
                await far.recv_until(b"\n", 50)
            assert await far.recv_exactly(100) == b"x" * 100
            far.line_limit = 10
            await near.send(b"y" * 10 + b"\n")
            with pytest.raises(LimitExceeded, match="within 10 bytes"):
                await anext(far)

    run(main())


def test_a_receive_that_is_cancelled_loses_nothing(run):
    """Nor one that is late."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"ab")
            for limit in (far.recv_exactly(4, timeout=0.001), asyncio.wait_for(far.recv_exactly(4), 0.001)):
                with pytest.raises(TimeoutError):
                    await limit
            waiting = asyncio.create_task(far.recv_exactly(4))
            await asyncio.sleep(0)
            waiting.cancel()
            await near.send(b"cd")
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await far.recv_exactly(4) == b"abcd"

    run(main())


def test_what_one_receive_was_told_is_not_the_next_ones(run):
    """Its size, its deadline and its end; who keeps a call that is over has that call, and may not await it again."""

    async def main():
        async with pair() as (near, far):
            await near.send(b"abc")
            got = [await far.recv(1, timeout=0.001), await far.recv()]  # no assert around a call: pytest would keep it
            got.append(await after(too_late(near.recv(timeout=0.001)), near, far.recv()))  # for the deadline before
            kept = far.recv(timeout=SOON)
            got.append(await after(asyncio.sleep(0), near, kept))
            other = far.recv(timeout=0.001)
            assert other is not kept
            with pytest.raises(RuntimeError, match="twice"):
                await kept
            await too_late(other)
            del kept, other
            got.append(await after(asyncio.sleep(0), near, far.recv(timeout=10 * SOON)))
            await asyncio.sleep(0)  # until the loop has let go of the task
            await too_late(far.recv(timeout=0.001))
            assert got == [b"a", b"bc", b"after", b"after", b"after"]

    run(main())


def test_a_peer_that_cuts_is_a_reset(run):
    """Whoever waits learns it, with the address."""

    async def main():
        async with pair() as (near, far):
            receiving = asyncio.create_task(far.recv())
            await asyncio.sleep(0)
            near.abort()
            with pytest.raises(ResetError, match=r"127\.0\.0\.1:\d+>: the peer cut"):
                await receiving

    run(main())


def test_a_closed_stream_says_so(run):
    """To who waits on it, and to who uses it later; closing again does nothing."""

    async def main():
        async with pair() as (near, far):
            receiving = asyncio.create_task(far.recv())
            await asyncio.sleep(0)
            await far.close()
            await far.close()
            far.abort()
            with pytest.raises(ClosedError):
                await receiving
            with pytest.raises(ClosedError):
                far.send(b"x")
            with pytest.raises(ClosedError):
                await far.recv()
            await ended(near)

    run(main())


def test_two_tasks_cannot_receive_from_one_stream(run):
    """Which of them would get what?"""

    async def main():
        async with pair() as (near, far):
            first = asyncio.create_task(far.recv())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task receives"):
                await far.recv()
            await near.send(b"x")
            assert await first == b"x"

    run(main())


def test_a_reader_that_stops_stops_the_sender(run):
    """A send waits while more than the high-water mark is kept, and nothing is lost when the reader goes on."""

    async def main():
        async with pair() as (near, far):
            piece, sent = b"x" * 65536, 0
            while True:
                try:
                    sent += len(piece)
                    await near.send(piece, timeout=0.05)
                except TimedOutError:
                    break
            assert near.queued <= near.high_water + len(piece)
            near.send_eof()
            received = 0
            while data := await far.recv():
                received += len(data)
            assert received == sent
            assert near.queued == 0

    run(main())


def test_close_lets_go_what_was_sent(run):
    """However much of it the system had not yet taken."""

    async def main():
        async with pair() as (near, far):
            size = 8 * 1024 * 1024
            near.send(b"x" * size)
            near.close()
            assert len(await far.recv_exactly(size, timeout=SOON)) == size
            assert await far.recv() == b""

    run(main())


def test_a_listener_that_closes_ends_its_iteration(run):
    """And the streams that it gave stay open."""

    async def main():
        listener = await aio.listen(LOCAL)
        streams = asyncio.Queue()

        async def accept():
            async for stream in listener:
                streams.put_nowait(stream)

        accepting = asyncio.create_task(accept())
        async with await aio.connect(listener.address) as near, await streams.get() as far:
            listener.close()
            await accepting
            await near.send(b"x")
            assert await far.recv() == b"x"

    run(main())


def test_the_classic_pair_is_four_lines_each(run):
    """It interoperates with one written for `socket`."""

    async def main():
        async def server(listener):
            async for stream in listener:
                print(f"{stream.peer_address} came")  # noqa: T201 - the classic server does
                await stream.send(b"Thank you for connecting")
                await stream.close()

        def client(address):
            with socket.create_connection((address.host, address.port)) as sock:
                return sock.recv(1024)

        listener = await aio.listen(LOCAL)
        serving = asyncio.create_task(server(listener))
        assert await asyncio.to_thread(client, listener.address) == b"Thank you for connecting"
        async with await aio.connect(listener.address) as stream:
            assert await stream.recv(1024) == b"Thank you for connecting"
        listener.close()
        await serving

    run(main())

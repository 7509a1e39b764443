"""What stands behind awaited sockets: one poller for each loop, given back with the loop."""

import asyncio
import contextlib
import os
import select
import socket
import subprocess
import sys
import time

import pytest

from kolben.net import aio
from kolben.net._endpoint import Operation
from kolben.net.errors import ClosedError, ResetError

BUSY = 8  # sockets that have something in one turn: so many have phases, and no more than a turn looks at before its clock


def test_a_call_is_awaited_once(run):
    """Again means: call again."""

    async def main():
        async with await aio.bind("udp://127.0.0.1:0") as here:
            receiving = here.recv_from()
            await here.send_to(b"x", here.local_address)
            await receiving
            with pytest.raises(RuntimeError, match="cannot await the same call twice"):
                await receiving

    run(main())


def test_a_call_is_taken_by_whatever_takes_coroutines(run):
    """create_task, gather, wait_for, TaskGroup; and by who drives it by hand."""

    async def main():
        async with await aio.bind("udp://127.0.0.1:0") as here:
            waiting = asyncio.create_task(here.recv())
            await asyncio.sleep(0)
            await here.send_to(b"x", here.local_address)
            assert await waiting == b"x"
            await here.send_to(b"y", here.local_address)
            assert await asyncio.gather(here.recv()) == [b"y"]
            await here.send_to(b"z", here.local_address)
            assert await asyncio.wait_for(here.recv(), 10) == b"z"
            by_hand = here.recv()
            assert isinstance(by_hand, Operation)
            by_hand.send(None)
            by_hand.close()
            assert await asyncio.wait_for(here.send_to(b"!", here.local_address), 10) is None

    run(main())


@pytest.mark.parametrize(
    "call",
    ["recv", "recv_exactly", "recv_until", "recv_into", "recv_from", "accept", "handshake"],
)
def test_a_call_that_nobody_awaits_is_told_of(run, call):
    """As a coroutine is: it did nothing."""
    arguments = {"recv_exactly": (1,), "recv_until": (b"x",), "recv_into": (bytearray(1),)}

    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            async with (
                aio.Stream(ours) as stream,
                await aio.bind("udp://127.0.0.1:0") as datagrams,
                await aio.listen("127.0.0.1:0") as listener,
            ):
                what = next(each for each in (stream, datagrams, listener) if hasattr(each, call))
                with pytest.warns(RuntimeWarning, match=f"^'{call}' of <.*> was never awaited$"):
                    getattr(what, call)(*arguments.get(call, ()))

    run(main())


def test_a_call_that_has_begun_when_it_returns_need_not_be_awaited(run, recwarn):
    """A send takes the bytes, a close closes."""

    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.settimeout(10)
            stream, datagrams = aio.Stream(ours), await aio.bind("udp://127.0.0.1:0")
            stream.send(b"x")
            stream.send(bytes(4 * stream.high_water))
            datagrams.send_to(b"x", datagrams.local_address)
            datagrams.close()
            stream.close()
            assert await received(theirs, 2 + 4 * stream.high_water) == b"x" + bytes(4 * stream.high_water)

    run(main())
    assert not recwarn.list


def test_a_call_that_was_given_up_is_no_forgotten_one(run, recwarn):
    """Whether before its first step or after it, or once its result was there."""

    async def main():
        async with await aio.bind("udp://127.0.0.1:0") as here:
            for steps in range(3):
                task = asyncio.create_task(here.recv())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            here.recv().close()
            await here.send_to(b"x", here.local_address)
            assert await here.recv() == b"x"

    run(main())
    assert not recwarn.list


def test_other_tasks_are_traced_and_profiled_the_same(run):
    """A tracer makes Python take the long way to a result."""

    async def main():
        async with await aio.bind("udp://127.0.0.1:0") as here:
            await here.send_to(b"x", here.local_address)
            sys.settrace(lambda *_: None)
            try:
                assert await here.recv() == b"x"
            finally:
                sys.settrace(None)

    run(main())


def test_without_a_loop_nobody_waits():
    """The error is asyncio's."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio.bind("udp://127.0.0.1:0").send(None)


def test_a_socket_that_is_dropped_is_closed_with_a_warning(run):
    """As `socket` does."""

    async def main():
        with pytest.warns(ResourceWarning, match="unclosed <DatagramSocket udp://127"):
            await aio.bind("udp://127.0.0.1:0")

    run(main())


def test_a_process_may_have_many_loops_and_end_without_closing_anything():
    """The collector takes streams, their hub and their loop in any order."""
    code = """
import asyncio
from kolben.net import aio

async def main():
    listener = await aio.listen("127.0.0.1:0")
    near = await aio.connect(listener.address)
    far = await listener.accept()
    near.self, far.self = [near], [far]
    keep.append((near, far, listener))

class Stream(aio.Stream):
    pass

aio.Stream = Stream
for forgets in (True, False):
    keep = []
    asyncio.run(main())
    if forgets:
        keep = None
loop = asyncio.new_event_loop()
keep = []
loop.run_until_complete(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


# --- a turn with many events: all receive, all are stepped, all send -----------------------------------------------------------------


@contextlib.asynccontextmanager
async def turn(step, count=BUSY):
    """Tasks that wait in `step(number, stream)` when this begins; `come()` lets bytes come for all, which one turn of the hub meets."""
    pairs = [socket.socketpair() for _ in range(count)]
    peers = [peer for peer, _ in pairs]
    streams = [aio.Stream(ours) for _, ours in pairs]
    tasks = [asyncio.create_task(step(number, stream)) for number, stream in enumerate(streams)]
    await asyncio.sleep(0)
    for peer in peers:
        peer.settimeout(10)
    try:
        yield peers, streams, tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in (*peers, *streams):
            end.close()
        for kept in (peers, streams, tasks):
            kept.clear()


def come(peers, data=b"%d"):
    """Something for each, in this order."""
    for number, peer in enumerate(peers):
        peer.send(data % number)


async def received(peer, size):
    """What a peer gets, to the last byte, or to the end."""
    data = b""
    while len(data) < size and (more := await asyncio.to_thread(peer.recv, size - len(data))):
        data += more
    return data


def test_sends_of_a_turn_go_out_together_and_in_order(run):
    """Nothing is sent while tasks are stepped; what one sends twice comes in its order."""
    seen = []

    async def step(number, stream):
        data = await stream.recv()
        await stream.send(b"first of " + data)
        seen.extend(select.select(peers[::2], [], [], 0)[0])  # those that are sent to once
        if number % 2:
            await stream.send(b", second")
        await stream.recv()

    async def main():
        nonlocal peers
        async with turn(step) as (peers, _, _):
            come(peers)
            expected = [b"first of %d" % number + b", second" * (number % 2) for number in range(BUSY)]
            assert [await received(peer, len(answer)) for peer, answer in zip(peers, expected, strict=True)] == expected
            assert seen == []

    peers = []
    run(main())


@pytest.mark.parametrize("end", ["close", "send_eof", "drained", "detach", "fileno", "large", "duplicate"])
def test_what_was_sent_before_goes_first(run, end):
    """Whatever comes after it in the same step."""
    seen, peers = [], []

    async def step(number, stream):
        await stream.send(await stream.recv())
        if end == "fileno":
            os.write(stream.fileno(), b"!")
        elif end == "drained":
            await stream.drained()
            seen.append(peers[number] in select.select(peers, [], [], 0)[0])
        elif end == "large":
            await stream.send(bytearray(b"!"))
            await stream.send(b"!" * 100_000)
        elif end == "detach":
            with socket.socket(fileno=stream.detach()) as sock:
                sock.send(b"!")
        elif end == "duplicate":
            with socket.socket(fileno=os.dup(stream.fileno())) as sock:
                sock.send(b"!")
        else:
            await getattr(stream, end)()
        return number

    async def main():
        nonlocal peers
        async with turn(step) as (peers, _, tasks):
            come(peers, b"%05d")
            got = await asyncio.gather(*(received(peer, 5 if end == "drained" else 6) for peer in peers))
            after = b"" if end in ("close", "send_eof", "drained") else b"!"
            assert all(seen)
            assert got == [b"%05d" % number + after for number in range(BUSY)]
            if end != "large":
                assert await asyncio.gather(*tasks) == list(range(BUSY))

    run(main())


def test_bytes_that_came_for_a_task_that_another_cancelled_are_not_lost(run):
    """Although they had been received for it: the first task cancels the others in the very turn that would have stepped them."""

    async def step(number, stream):
        data = await stream.recv(2)
        if number == 0:
            for task in tasks[1:]:
                task.cancel()
        return data

    async def main():
        nonlocal tasks
        async with turn(step) as (peers, streams, tasks):
            come(peers, b"%03d")
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert ends[0] == b"00"
            assert {type(end) for end in ends[1:]} == {asyncio.CancelledError}
            later = [await stream.recv_exactly(3) for stream in streams[1:]]
            assert later == [b"%03d" % number for number in range(1, BUSY)]

    tasks = []
    run(main())


def test_a_stream_that_another_task_closed_says_so(run):
    """Also where bytes had been received for it."""

    async def step(number, stream):
        data = await stream.recv()
        for other in streams:
            other.close()
        return data

    async def main():
        nonlocal streams
        async with turn(step) as (peers, streams, tasks):
            come(peers)
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert ends[0] == b"0"
            assert {type(end) for end in ends[1:]} == {ClosedError}

    streams = []
    run(main())


def test_a_deadline_holds_for_those_that_get_nothing(run):
    """And for nobody else, although all were received for in one turn."""

    async def step(number, stream):
        return await stream.recv(timeout=0.001 if number == 0 else 10)

    async def main():
        async with turn(step) as (peers, _, tasks):
            come(peers[:0])
            for number, peer in enumerate(peers[1:], 1):
                peer.send(b"%d" % number)
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(ends[0], TimeoutError)
            assert ends[1:] == [b"%d" % number for number in range(1, BUSY)]

    run(main())


def test_the_end_and_a_reset_are_told_to_each(run):
    """Time and again: the kernel tells of a reset once."""

    async def step(number, stream):
        ends = []
        for _ in range(3):
            try:
                ends.append(await stream.recv())
            except OSError as error:
                ends.append(type(error))
        return ends

    async def main():
        async with await aio.listen("127.0.0.1:0") as listener:
            peers = [await aio.connect(listener.address) for _ in range(BUSY)]
            streams = [await listener.accept() for _ in range(BUSY)]
            tasks = [asyncio.create_task(step(number, stream)) for number, stream in enumerate(streams)]
            await asyncio.sleep(0)
            for number, peer in enumerate(peers):
                peer.abort() if number % 2 else peer.close()
            assert await asyncio.gather(*tasks) == [[ResetError] * 3 if number % 2 else [b""] * 3 for number in range(BUSY)]
            for stream in streams:
                stream.abort()

    run(main())


def test_a_send_that_fails_at_the_end_of_the_turn_is_the_next_calls_to_tell(run):
    """As what it was, a reset: the task that sent has gone on meanwhile, and the kernel would say something else by then."""

    async def step(number, stream):
        data = await stream.recv()
        peers[number].abort()
        await stream.send(data)
        await asyncio.sleep(0)
        with pytest.raises(ResetError):
            await stream.send(b"more")
        stream.abort()
        return number

    async def main():
        async with await aio.listen("127.0.0.1:0") as listener:
            peers.extend([await aio.connect(listener.address) for _ in range(BUSY)])
            tasks = [asyncio.create_task(step(number, await listener.accept())) for number in range(BUSY)]
            await asyncio.sleep(0)
            for peer in peers:
                await peer.send(b"x")
            assert await asyncio.gather(*tasks) == list(range(BUSY))
            peers.clear()

    peers = []
    run(main())


def test_what_came_in_time_is_no_late_call(run):
    """Although the loop was held up until after the deadlines."""

    async def step(_, stream):
        return await stream.recv(timeout=0.001)

    async def main():
        async with turn(step) as (peers, _, tasks):
            come(peers)
            time.sleep(0.15)  # noqa: ASYNC251  # the loop is held up, for more than a tick of the timers
            assert await asyncio.gather(*tasks) == [b"%d" % number for number in range(BUSY)]

    run(main())


def test_a_peer_that_does_not_receive_holds_up_nobody(run):
    """What the kernel does not take at the end of a turn waits for it, and comes whole."""
    size = 10_000

    async def step(number, stream):
        while data := await stream.recv():
            await stream.send(data * size)

    async def main():
        async with turn(step) as (peers, streams, _):
            for peer in peers:
                peer.setblocking(False)
            sent = [0] * BUSY
            for _ in range(100):
                for number, peer in enumerate(peers):
                    if streams[number].queued <= 2 * streams[number].high_water:
                        sent[number] += peer.send(b"x")
                await asyncio.sleep(0)
            assert max(stream.queued for stream in streams) > 0
            for peer, count in zip(peers, sent, strict=True):
                peer.settimeout(10)
                assert await received(peer, count * size) == b"x" * count * size

    run(main())

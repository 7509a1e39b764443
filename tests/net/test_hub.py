"""What stands behind awaited sockets: one poller for each loop, given back with the loop."""

import asyncio
import subprocess
import sys

import pytest

from kolben.net import aio
from kolben.net._endpoint import Operation


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

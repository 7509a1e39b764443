"""A coroutine that is led from wait to wait is to its task, and to everybody else, what any coroutine is."""

import asyncio
import contextvars
import gc
import inspect
import socket
import traceback
import weakref
from contextlib import asynccontextmanager

import pytest

from kolben.net import aio
from kolben.net._walker import led

PLACE = contextvars.ContextVar("PLACE", default="outside")


@asynccontextmanager
async def pair():
    """Two streams that are connected."""
    one, other = socket.socketpair()
    async with aio.Stream(one) as here, aio.Stream(other) as there:
        yield here, there


async def echo(stream):
    while data := await stream.recv():
        await stream.send(data)
    return "end"


async def stubborn(stream):
    """As echo, but once it goes on when it is cancelled."""
    try:
        await echo(stream)
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
        return await stream.recv()


async def inside(coroutine):
    """A coroutine that another awaits."""
    await led(coroutine)


async def asked(stream, question):
    """The answer to a question: two rounds of the loop at least, so that the other side waits again."""
    await stream.send(question)
    return await stream.recv(timeout=10)


def test_the_result_is_the_tasks(run):
    """However often it waited."""

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(echo(there), name="echo")
            for number in range(200):
                assert await asked(here, b"%d" % number) == b"%d" % number
            assert not task.done()
            here.send_eof()
            assert await task == "end"
            assert task.get_name() == "echo"

    run(main())


def test_what_is_raised_is_the_tasks(run):
    """With its traceback."""

    async def fail(stream):
        await stream.recv()
        await stream.recv()
        raise ValueError("after two")

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(fail(there))
            await here.send(b"1")
            await asyncio.sleep(0)
            await here.send(b"2")
            with pytest.raises(ValueError, match="after two") as caught:
                await task
            assert "fail" in [entry.name for entry in caught.traceback]

    run(main())


def test_it_is_the_current_task_wherever_it_is(run):
    """Of the first step, of a step by the hub, and of one after something else; and nobody is when none runs."""
    seen = []

    async def look(stream):
        seen.append(asyncio.current_task())
        await stream.recv()
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    async def main():
        async with pair() as (here, there), pair() as (one, other):
            task, plain = aio.create_task(look(there)), asyncio.create_task(look(other))
            await asyncio.sleep(0)
            await here.send(b"x")
            await one.send(b"x")
            asyncio.get_running_loop().call_later(0.001, lambda: seen.append(asyncio.current_task()))
            await asyncio.gather(task, plain, asyncio.sleep(0.002))
            assert (seen.count(task), seen.count(plain), seen.count(None)) == (3, 3, 1)

    run(main())


def test_a_context_is_its_own(run):
    """What one sets, the next does not see."""

    async def mark(stream):
        PLACE.set("inside")
        while await stream.recv():
            assert PLACE.get() == "inside"
            await stream.send(PLACE.get().encode())

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(mark(there), context=contextvars.Context())
            assert await asked(here, b"x") == b"inside"
            assert await asked(here, b"x") == b"inside"
            assert PLACE.get() == "outside"
            here.send_eof()
            await task

    run(main())


def test_it_waits_for_anything(run):
    """Futures, tasks, sleeps and other sockets between two receives."""

    async def mix(stream, other, future):
        await stream.recv()
        assert await future == "result"
        await stream.recv()
        assert await asyncio.create_task(asyncio.sleep(0, "slept")) == "slept"
        await asyncio.sleep(0)
        await stream.recv()
        return await other.recv()

    async def main():
        async with pair() as (here, there), pair() as (one, other):
            future = asyncio.get_running_loop().create_future()
            task = aio.create_task(mix(there, other, future))
            for _ in range(3):
                await here.send(b"x")
                await asyncio.sleep(0.001)
            assert not task.done()
            future.set_result("result")
            for _ in range(3):
                await here.send(b"x")
                await asyncio.sleep(0.001)
            await one.send(b"last")
            assert await task == b"last"

    run(main())


@pytest.mark.parametrize("rounds", [0, 1, 5])
def test_it_is_cancelled_where_it_waits(run, rounds):
    """Before a first answer and after many; bytes that come later are the next reader's."""

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(echo(there))
            for _ in range(rounds):
                await asked(here, b"x")
            await asyncio.sleep(0)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task
            assert task.cancelled()
            await here.send(b"later")
            assert await there.recv() == b"later"

    run(main())


def test_it_may_cancel_itself(run):
    """In a step of the hub: the next wait, whatever it is for, ends at once."""

    async def suicide(stream, wait):
        await stream.recv()
        await stream.recv()
        asyncio.current_task().cancel()
        await wait(stream)

    async def on_stream(stream):
        await stream.recv()

    async def on_future(stream):
        await futures[-1]

    async def main():
        for wait in (on_stream, on_future):
            futures.append(asyncio.get_running_loop().create_future())
            async with pair() as (here, there):
                task = aio.create_task(suicide(there, wait))
                await asyncio.sleep(0)
                await here.send(b"1")
                await asyncio.sleep(0.001)
                await here.send(b"2")
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(task, 10)
        assert [future.cancelled() for future in futures] == [False, True]  # as a task cancels what it waits on

    futures = []
    run(main())


def test_it_survives_a_cancellation_that_it_catches(run):
    """And is cancelled no second time."""

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(stubborn(there))
            await asked(here, b"x")
            task.cancel()
            await asyncio.sleep(0)
            await here.send(b"after")
            assert await task == b"after"

    run(main())


def test_timeouts_hold(run):
    """Of a call, of asyncio.timeout() around many, and of wait_for() around the task."""

    async def late(stream):
        await stream.recv()
        with pytest.raises(TimeoutError):
            await stream.recv(timeout=0.001)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await echo(stream)
        return await echo(stream)

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(late(there))
            await here.send(b"x")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 0.1)
            assert await asked(here, b"y") == b"y"
            here.send_eof()
            assert await task == "end"

    run(main())


def test_groups_of_tasks_work_inside(run):
    """A child that fails cancels who waits for it on a socket."""

    async def parent(stream):
        await stream.recv()
        async with asyncio.TaskGroup() as group:
            group.create_task(child(stream))
            await stream.recv()

    async def child(stream):
        await asyncio.sleep(0.001)
        raise LookupError

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(parent(there))
            await here.send(b"x")
            with pytest.raises(ExceptionGroup) as caught:
                await task
            assert caught.group_contains(LookupError)

    run(main())


def test_closing_the_stream_ends_the_wait(run):
    """Of another task: it learns why."""

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(echo(there))
            await asked(here, b"x")
            there.abort()
            with pytest.raises(OSError, match="closed"):
                await task

    run(main())


def test_it_looks_like_a_coroutine(run):
    """For who prints tasks and their stacks."""

    async def main():
        async with pair() as (here, there):
            task = aio.create_task(echo(there))
            await asked(here, b"x")
            assert "echo" in repr(task)
            assert [frame.f_code.co_name for frame in task.get_stack()] == ["echo"]
            assert asyncio.iscoroutine(task.get_coro())
            assert inspect.isawaitable(task.get_coro())
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(main())


@pytest.mark.parametrize("outside", [lambda coroutine: coroutine, inside])
def test_nothing_is_left_of_one_that_ended(run, outside):
    """Nor does the collector have anything to do."""

    async def main():
        async with pair() as (here, there):
            coroutine = echo(there)
            ended = weakref.ref(coroutine)
            task = aio.create_task(outside(coroutine))
            del coroutine
            await asked(here, b"x")
            here.send_eof()
            await task
            gc.disable()
            try:
                del task
                await asyncio.sleep(0)
                assert ended() is None
            finally:
                gc.enable()

    run(main())


# --- a coroutine within, stepped alone -----------------------------------------------------------------------------------------------


async def around(stream, steps, function=echo):
    """Awaits another as services do: something before it, something after, whatever its end is."""
    steps.append("before")
    try:
        result = await led(function(stream))
        steps.append(result)
    except ValueError as error:
        steps.append(error)
        raise
    finally:
        steps.append("after")
    await asyncio.sleep(0)
    return await stream.recv()


def test_one_within_gives_its_result_to_its_awaiter(run):
    """Who then goes on, and waits on streams and on other things."""

    async def twice(stream):
        assert await led(once(stream)) == b"1"
        return await led(once(stream))

    async def once(stream):
        return await stream.recv()

    async def main():
        async with pair() as (here, there):
            steps = []
            task = aio.create_task(around(there, steps, twice))
            for data in (b"1", b"2", b"3"):
                await here.send(data)
                await asyncio.sleep(0.001)
            assert await task == b"3"
            assert steps == ["before", b"2", "after"]

    run(main())


@pytest.mark.parametrize("receives", [0, 3])
def test_one_within_raises_in_its_awaiter(run, receives):
    """With a traceback of the two, and nothing between."""

    async def fail(stream):
        for _ in range(receives):
            await stream.recv()
        raise ValueError("within")

    async def main():
        async with pair() as (here, there):
            steps = []
            task = aio.create_task(around(there, steps, fail))
            for _ in range(receives):
                await asyncio.sleep(0)
                await here.send(b"x")
            with pytest.raises(ValueError, match="within"):
                await task
            assert steps == ["before", steps[1], "after"]
            assert [frame.name for frame in traceback.extract_tb(steps[1].__traceback__)] == ["main", "around", "fail"]

    run(main())


def test_one_within_is_cancelled_and_may_catch_it(run):
    """Its awaiter sees what it makes of it."""

    async def main():
        for function, end in ((echo, asyncio.CancelledError), (stubborn, None)):
            async with pair() as (here, there):
                steps = []
                task = aio.create_task(around(there, steps, function))
                await asked(here, b"x")
                task.cancel()
                await asyncio.sleep(0)
                await here.send(b"caught")
                if end:
                    with pytest.raises(end):
                        await task
                    assert steps == ["before", "after"]
                else:
                    await asyncio.sleep(0.001)
                    await here.send(b"last")
                    assert await task == b"last"
                    assert steps == ["before", b"caught", "after"]

    run(main())


def test_one_within_waits_for_anything(run):
    """A future of the loop's, under a deadline of its awaiter."""

    async def wait(stream):
        await stream.recv()
        await asyncio.get_running_loop().create_future()

    async def main():
        async with pair() as (here, there):
            steps = []

            async def limited():
                async with asyncio.timeout(0.001):
                    await around(there, steps, wait)

            task = aio.create_task(limited())
            await here.send(b"x")
            with pytest.raises(TimeoutError):
                await task
            assert steps == ["before", "after"]

    run(main())


def test_one_within_that_never_ends_is_closed_from_inside(run):
    """When its task is dropped: first it, then who awaits it."""
    ends = []

    async def endless(stream):
        try:
            await stream.recv()
        finally:
            ends.append("within")

    async def outside(stream):
        try:
            await led(endless(stream))
        finally:
            ends.append("outside")

    async def main():
        async with pair() as (_, there):
            task = aio.create_task(outside(there))
            await asyncio.sleep(0)
            task.get_coro().close()
            assert ends == ["within", "outside"]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_one_within_needs_a_leader(run):
    """An ordinary task says so."""

    async def main():
        async with pair() as (_, there):
            coroutine = echo(there)
            with pytest.raises(RuntimeError):
                await asyncio.create_task(awaits(led(coroutine)))
            coroutine.close()

    async def awaits(sub):
        await sub

    run(main())

"""A coroutine's first step is done at once; one that waits is then what any awaitable is."""

import asyncio

import pytest

from kolben.base._step import FirstStep


async def twice(value):
    return 2 * value


async def wait_for(future):
    try:
        return await future
    finally:
        future.seen = True


def test_what_never_waits_has_returned():
    step = FirstStep(twice(21))
    assert (step.returned, step.value) == (True, 42)


def test_what_the_first_step_raises_comes_out_at_once():
    async def fail():
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        FirstStep(fail())


def test_what_waits_is_awaited_through_it():
    """The future that it waits on is told nothing twice."""

    async def main():
        future = asyncio.get_running_loop().create_future()
        step = FirstStep(wait_for(future))
        assert not step.returned
        asyncio.get_running_loop().call_soon(future.set_result, "came")
        assert await step == "came"

    asyncio.run(main())


def test_a_cancellation_reaches_the_coroutine():
    async def main():
        future = asyncio.get_running_loop().create_future()
        step = FirstStep(wait_for(future))
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        with pytest.raises(asyncio.CancelledError):
            await step
        assert future.seen
        asyncio.current_task().uncancel()

    asyncio.run(main())


def test_one_that_nobody_awaits_can_be_closed():
    async def main():
        future = asyncio.get_running_loop().create_future()
        FirstStep(wait_for(future)).close()
        assert future.seen

    asyncio.run(main())

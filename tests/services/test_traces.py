"""What work leaves behind in its task."""

import asyncio
import contextvars

from tests.net.conftest import run  # noqa: F401 - a fixture

from kolben.services._traces import Traces

PLACE = contextvars.ContextVar("PLACE")


def test_traces_are_what_work_leaves_in_its_task(run):  # noqa: F811 - the fixture
    """Each thing that somebody else could see."""

    async def work(ended):
        task, context = asyncio.current_task(), contextvars.Context()
        traces = Traces(task, context)
        traces.note()
        assert not traces.are_left()
        kept = task
        assert traces.are_left()
        traces.note()
        del kept
        assert traces.are_left()
        traces.note()
        name = task.get_name()
        task.set_name("another")
        assert traces.are_left()
        task.set_name(name)
        task.add_done_callback(print)
        assert traces.are_left()
        task.remove_done_callback(print)
        assert not traces.are_left()
        token = context.run(PLACE.set, "left")
        assert traces.are_left()
        context.run(PLACE.reset, token)
        assert traces.are_left()
        del token
        assert not traces.are_left()
        ended.set_result(None)

    async def main():
        ended = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(work(ended))  # which nobody awaits: that is a trace, too
        await asyncio.wait_for(ended, 10)
        await task

    run(main())

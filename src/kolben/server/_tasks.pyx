"""Starts a task and runs its first step at once: most views never wait, so their task never meets the loop.

Python 3.12 has this as `eager_start`.  Before, a task asks `loop.call_soon` for its first step while it is made, and adds itself to the
weak set of all tasks: two attributes stand in for these methods during that moment.  The step that was kept is run right away,
in the task's context, with the task as `asyncio.current_task()`.  A task that did not finish in its first step is then registered like any
other; until then `asyncio.all_tasks()` does not show it.
"""

import asyncio
import sys
from asyncio import tasks as asyncio_tasks

from cpython.object cimport PyObject_Call

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef object new_task = asyncio.Task
cdef bint HAS_EAGER_START = sys.version_info >= (3, 12)
cdef str CALL_SOON = "call_soon"
cdef str ADD = "add"


cdef class TaskStarter:
    """Starts tasks on one loop, in the loop's thread, while the loop counts as running there."""

    def __init__(self, loop):
        self.loop = loop
        self.arguments = {"loop": loop, "name": None, "context": None}
        if HAS_EAGER_START:
            self.arguments["eager_start"] = True
        if not HAS_EAGER_START:
            self.loop_attributes = getattr(loop, "__dict__", None)
            self.all_tasks = asyncio_tasks._all_tasks
            self.set_attributes = getattr(self.all_tasks, "__dict__", None)
        self.keep = self.keep_step
        self.skip = self.skip_task

    def keep_step(self, step, *args, context=None):
        """Stands in for `loop.call_soon`."""
        self.step = step

    def skip_task(self, task):
        """Stands in for `add` of the set of all tasks."""

    cpdef object start(self, object coroutine, object context, object name):
        """Return the task; its first step is done."""
        self.arguments["name"] = name
        self.arguments["context"] = context
        if HAS_EAGER_START:
            task = PyObject_Call(new_task, (coroutine,), self.arguments)
            self.arguments["context"] = None
            self.is_done = task.done()
            return task
        if self.loop_attributes is None or self.set_attributes is None:
            self.is_done = False
            return self.loop.create_task(coroutine, name=name, context=context)
        try:
            self.loop_attributes[CALL_SOON] = self.keep
            self.set_attributes[ADD] = self.skip
            task = PyObject_Call(new_task, (coroutine,), self.arguments)
        except BaseException:
            self.step = None
            coroutine.close()                             # else Python warns of it, which takes memory that may not be there
            raise
        finally:
            self.loop_attributes.pop(CALL_SOON, None)
            self.set_attributes.pop(ADD, None)
            self.arguments["context"] = None
        step, self.step = self.step, None
        try:
            PyContext_Enter(context)
            try:
                step()
            finally:
                PyContext_Exit(context)
        except BaseException:                             # there was no memory to begin it, most likely
            coroutine.close()
            raise
        self.is_done = task.done()
        if not self.is_done:
            self.all_tasks.add(task)
        return task

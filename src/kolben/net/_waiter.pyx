"""What tasks wait on until the hub has something for them.

A Waiter speaks asyncio's protocol of futures, and wakes a task by stepping it right there, in the hub's turn: without a future's handle
or another round of the loop.

A Walker goes further, for tasks that wait on sockets again and again, as a service's do.  To its task it is a coroutine that waits once;
it steps the real coroutine from wait to wait by itself, in the task's context and as asyncio's current task, and troubles the task only
when there is something that a Waiter is not: another future, a cancellation, the end.  PERF: half of what a message cost was the task's
own step; bench/echo.py.

Refuses to know sockets.
"""

import collections.abc

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject

from kolben.net._hub cimport Hub, current_hub

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    Py_ssize_t Py_REFCNT(PyObject *o)
    int PyIter_Send(object iterator, object value, PyObject **result) except -1     # 0: returned, 1: yielded

cdef extern from *:
    """
    typedef int (*kn_walk_function)(PyObject *, PyObject **);
    static kn_walk_function kn_walk;

    /* A step of a Walker by its task, without StopIteration. */
    static PySendResult kn_walk_send(PyObject *self, PyObject *value, PyObject **result) {
        (void)value;
        return (PySendResult)kn_walk(self, result);       /* -1, 0 and 1 are its names' values */
    }

    static void kn_prepare_walker(PyObject *type, void *walk) {
        static PyAsyncMethods alone = {.am_send = kn_walk_send};
        PyTypeObject *t = (PyTypeObject *)type;
        if (t->tp_as_async == NULL) t->tp_as_async = &alone;
        t->tp_as_async->am_send = kn_walk_send;
        kn_walk = (kn_walk_function)walk;
    }
    """
    void prepare_walker "kn_prepare_walker"(object type, void *walk)


cdef class Awaited:

    cdef int stop_waiting(self) except -1:
        return 0


cdef class Wait:

    def call_when_done(self, callback, *, context=None):
        """Asyncio's add_done_callback(): who is to be woken.  One task waits at a time."""
        self.callback = callback
        self.context = context

    def remove_done_callback(self, callback):
        """Asyncio's."""
        self.callback = None
        return 1

    def done(self):
        """Asyncio's: whether the wait is over."""
        return self.state != WAITING

    def cancelled(self):
        """Asyncio's: whether somebody cancelled the wait."""
        return self.state == CANCELLED

    def result(self):
        """Asyncio's: nothing, for who waited knows where to look, or CancelledError."""
        if self.state == CANCELLED:
            from asyncio import CancelledError

            raise CancelledError(*([] if self.message is None else [self.message]))

    def exception(self):
        """Asyncio's."""
        self.result()

    cdef int end_cancelled(self, object message) except -1:
        callback, context = self.callback, self.context
        self.callback = self.context = None
        self.state = CANCELLED
        self.message = message
        if callback is not None:
            self.hub.loop.call_soon(callback, self, context=context)
        return 0


@cython.final
cdef class Waiter(Wait):

    cdef int forget_methods(self) except -1:
        """They refer to the waiter, and it to them."""
        self.add_done_callback = None
        return 0

    def cancel(self, msg=None):
        """Asyncio's: end the wait of the task that is cancelled."""
        if self.state != WAITING:
            return False
        self.operation.stop_waiting()
        self.forget_methods()
        self.end_cancelled(msg)
        return True

    cdef int wake(self, bint at_once) except -1:
        cdef Walker walker = self.walker
        self.state = WOKEN
        if walker is not None:
            self.walker = None
            return walker.wake(at_once)
        callback, context = self.callback, self.context
        self.callback = self.context = None
        if callback is None:
            return 0
        if not at_once or context is None:
            self.hub.loop.call_soon(callback, self, context=context)
            return 0
        self.hub.leave()
        PyContext_Enter(context)
        try:
            # PERF: a task takes the result of a real future without calling a method of it (1,300 instructions).
            callback(self.hub.finished)
        finally:
            PyContext_Exit(context)
        return 0


cdef Waiter new_waiter(Hub hub):
    cdef Waiter waiter = Waiter.__new__(Waiter)
    waiter.hub = hub
    waiter.get_loop = hub.get_loop
    waiter.add_done_callback = waiter.call_when_done
    return waiter


@cython.final
cdef class Walker(Wait):

    def __init__(self, coroutine):
        self.hub = current_hub()
        self.coroutine = coroutine
        self.state = WOKEN

    # ------------------------------------------------ as the task's coroutine

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """A coroutine's."""
        cdef PyObject *result = NULL
        cdef bint is_over = self.advance(&result) == 0
        value = <object>result
        Py_DECREF(value)
        if is_over:
            raise StopIteration(value)
        return value

    def throw(self, kind, value=None, traceback=None):
        """A coroutine's: in the task's cancellation, mostly."""
        error = kind if value is None else value
        self.must_tell = False
        outcome, kept = self.outcome, self.value
        if outcome == YIELDED and type(kept) is not Waiter and is_cancellation(error) and kept is not None and kept.cancel():
            return self.send(None)            # it waits on that, as a task that is cancelled in a step does
        self.outcome, self.value = NONE, None
        if outcome == RAISED:
            raise kept
        if outcome == RETURNED:
            self.task = None
            raise error
        yielded = self.coroutine.throw(error)
        return self.wait_for(<Waiter>yielded) if type(yielded) is Waiter else yielded

    def close(self):
        """A coroutine's."""
        self.task = None
        self.coroutine.close()

    @property
    def __name__(self):
        return self.coroutine.__name__

    @property
    def __qualname__(self):
        return self.coroutine.__qualname__

    @property
    def cr_frame(self):
        """For who looks at the task's stack."""
        return self.coroutine.cr_frame

    @property
    def cr_code(self):
        """The same."""
        return self.coroutine.cr_code

    @property
    def cr_running(self):
        """The same."""
        return self.coroutine.cr_running

    @property
    def cr_await(self):
        """The same."""
        return self.coroutine.cr_await

    # ------------------------------------------------ as what the task waits on

    def get_loop(self):
        """Asyncio's."""
        return self.hub.loop

    @property
    def add_done_callback(self):
        """Asyncio's."""
        return self.call_when_done

    def cancel(self, msg=None):
        """Asyncio's.  While the coroutine runs there is no wait to be cancelled: its task remembers, and is told at the next one."""
        if self.is_walking:
            self.must_tell = True
            return False
        if self.state != WAITING:
            return False
        self.waiter.operation.stop_waiting()
        self.waiter.walker = None
        self.end_cancelled(msg)
        return True

    # ------------------------------------------------ walking

    cdef int step(self) except -1:
        """Let the coroutine run to its next wait, and keep what came of it."""
        cdef PyObject *result = NULL
        self.is_walking = True
        try:
            self.outcome = YIELDED if PyIter_Send(self.coroutine, None, &result) else RETURNED
            self.value = <object>result
            Py_DECREF(self.value)
        except BaseException as error:        # the task's to take
            self.outcome = RAISED
            self.value = error
        self.is_walking = False
        return 0

    cdef int advance(self, PyObject **result) except -1:
        """A step by the task: 1 with what it is to wait on, 0 with the coroutine's result."""
        cdef int outcome
        if self.outcome == NONE:
            self.step()
        self.must_tell = False                # the task steps: it knows
        outcome, value = self.outcome, self.value
        self.outcome, self.value = NONE, None
        if outcome == YIELDED:
            if type(value) is Waiter:
                value = self.wait_for(<Waiter>value)
        else:
            self.task = None
            if outcome == RAISED:
                raise value
        Py_INCREF(value)
        result[0] = <PyObject *>value
        return outcome == YIELDED

    cdef object wait_for(self, Waiter waiter):
        waiter.walker = self
        waiter._asyncio_future_blocking = False
        self.waiter = waiter
        self.state = WAITING
        self._asyncio_future_blocking = True
        return self

    cdef int wake(self, bint at_once) except -1:
        """What the coroutine waits for may be there.  Called by its Waiter."""
        cdef Waiter waiter
        callback, context = self.callback, self.context
        if callback is None:
            self.state = WOKEN
            return 0
        if not at_once or self.task is None or context is None:
            self.callback = self.context = None
            self.state = WOKEN
            self.hub.loop.call_soon(callback, self.hub.finished, context=context)
            return 0
        self.hub.enter(self.task)
        PyContext_Enter(context)
        try:
            self.step()
        finally:
            PyContext_Exit(context)
        if self.outcome == YIELDED and not self.must_tell and type(self.value) is Waiter:
            waiter = <Waiter>self.value
            waiter.walker = self
            waiter._asyncio_future_blocking = False
            self.waiter = waiter
            self.outcome, self.value = NONE, None
            return 0
        return self.call_task(callback, context)

    cdef int call_task(self, object callback, object context) except -1:
        """Let the task take what the last step came to."""
        self.callback = self.context = self.waiter = None
        self.state = WOKEN
        self.hub.leave()
        PyContext_Enter(context)
        try:
            callback(self.hub.finished)
        finally:
            PyContext_Exit(context)
        return 0


cdef bint is_cancellation(object error) except -1:
    from asyncio import CancelledError

    return isinstance(error, CancelledError) or error is CancelledError


def create_task(coroutine, *, name=None, context=None):
    """As asyncio's, for a coroutine that waits on sockets of the running loop time and again: it is cheaper to wake."""
    cdef Walker walker = Walker(coroutine)
    task = walker.hub.loop.create_task(walker, name=name, context=context)
    if not task.done():
        walker.task = task
    return task


@cython.final
cdef class Traces:

    def __init__(self, task, context):
        self.task, self.context, self.name = task, context, task.get_name()

    cpdef int note(self) except -1:
        """From here on."""
        self.task_references = Py_REFCNT(<PyObject *>self.task)
        self.context_references = Py_REFCNT(<PyObject *>self.context)
        return 0

    cpdef bint are_left(self) except -1:
        """Whether somebody kept or changed anything since."""
        return (
            Py_REFCNT(<PyObject *>self.task) != self.task_references or Py_REFCNT(<PyObject *>self.context) != self.context_references
            or len(self.context) != 0
            or self.task.get_name() != self.name or bool(getattr(self.task, "_callbacks", ()))
        )


cdef int advance_walker(Walker walker, PyObject **result) except -1:
    return walker.advance(result)


prepare_walker(Walker, <void *>advance_walker)
collections.abc.Coroutine.register(Walker)

"""The map of what tasks wait on."""

from cpython.ref cimport PyObject

from kolben.net._hub cimport Hub


cdef class Awaited:
    """A call that waits; _endpoint has the real ones."""

    cdef int stop_waiting(self) except -1


cdef enum State:              # of who can be waited on
    WAITING
    WOKEN
    CANCELLED


cdef class Waiter:
    """What a task waits on: asyncio's protocol of futures without a future."""

    cdef Awaited operation
    cdef Hub hub
    cdef Walker walker                # who waits instead of a task; or None
    cdef object callback
    cdef object context
    cdef object message               # of who cancelled
    cdef int state
    cdef public bint _asyncio_future_blocking
    # PERF: a task looks these up each time it waits; made once, they save it two bound methods (600 instructions).
    cdef readonly object get_loop
    cdef readonly object add_done_callback

    cdef int forget_methods(self) except -1
    cdef int wake(self, bint at_once) except -1


cdef enum Outcome:            # of a step of a coroutine
    NONE
    YIELDED
    RETURNED
    RAISED


cdef class Walker:
    """Leads a coroutine from wait to wait, while its task takes it all for one wait.

    It is the task's coroutine, and also what the task waits on.
    """

    cdef Hub hub
    cdef readonly object coroutine
    cdef object task                  # None: not known yet, or over
    cdef object callback              # the task's, while it waits on this
    cdef object context
    cdef Waiter waiter                # what the coroutine waits on
    cdef int state
    cdef object message               # of who cancelled
    cdef int outcome                  # of a step that the task does not know yet
    cdef object value                 # what was yielded, returned or raised in it
    cdef bint is_walking
    cdef bint must_tell               # the task was cancelled while it walked
    cdef public bint _asyncio_future_blocking

    cdef int step(self) except -1
    cdef int advance(self, PyObject **result) except -1
    cdef object wait_for(self, Waiter waiter)
    cdef int wake(self, bint at_once) except -1
    cdef int call_task(self, object callback, object context) except -1


cdef Waiter new_waiter(Hub hub)

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


cdef class Wait:
    """A wait of one task: asyncio's protocol of futures without a future."""

    cdef Hub hub
    cdef object callback              # who is to be woken, and in which Context
    cdef object context
    cdef object message               # of who cancelled
    cdef int state
    cdef public bint _asyncio_future_blocking

    cdef int wake(self, bint at_once) except -1               # the wait is over; at_once: step who waited right here
    cdef int end_cancelled(self, object message) except -1


cdef class Waiter(Wait):
    """What a task waits on until the hub has something for it."""

    cdef Awaited operation
    cdef Wait walker                  # who waits instead of a task, a Walker; or None
    # PERF: a task looks these up each time it waits; made once, they save it two bound methods (600 instructions).
    cdef readonly object get_loop
    cdef readonly object add_done_callback

    cdef int forget_methods(self) except -1


cdef Waiter new_waiter(Hub hub)

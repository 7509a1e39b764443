"""The map of who waits on sockets in a task's stead."""

from cpython.ref cimport PyObject

from kolben.net._waiter cimport Wait, Waiter


cdef enum Outcome:            # of a step of a coroutine
    NONE
    YIELDED
    RETURNED
    RAISED


cdef class Subcoroutine:
    """A coroutine whose awaiter has the Walker step it without a step of its own between."""

    cdef object coroutine             # None: it has ended
    cdef int outcome                  # its end
    cdef object value                 # what it returned or raised
    cdef bint has_begun

    cdef int advance(self, PyObject **result) except -2


cdef class Walker(Wait):
    """Leads a coroutine from wait to wait, while its task takes it all for one wait.

    It is the task's coroutine, and also what the task waits on.
    """

    cdef readonly object coroutine    # which it steps: the task's, or a Subcoroutine's within
    cdef Subcoroutine sub             # whose it is; None: the task's
    cdef list awaiters                # the coroutines that wait for its end, each with the Subcoroutine that it is itself
    cdef object task                  # None: not known yet, or over
    cdef Waiter waiter                # what the coroutine waits on
    cdef int outcome                  # of a step that the task does not know yet
    cdef object value                 # what was yielded, returned or raised in it
    cdef bint is_walking
    cdef bint must_tell               # the task was cancelled while it walked

    cdef int step(self, object error) except -1
    cdef bint crosses(self) except -1
    cdef int advance(self, PyObject **result) except -2
    cdef object wait_for(self, Waiter waiter)            # what the task is to wait on
    cdef int wait_behind(self, Waiter waiter) noexcept
    cdef int call_task(self, object callback, object context) except -1

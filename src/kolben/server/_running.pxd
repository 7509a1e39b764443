"""The map of where a plan runs."""

from libc.stdint cimport int64_t

from kolben.server._answer cimport Answerer

cdef object LATER                     # in the place of a response that a thread or a task will bring


cdef class Runner(Answerer):
    """The side of a connection that runs plans."""

    cdef object task
    cdef bint task_is_cancelled
    cdef bint task_is_late            # it was cancelled because its time is over
    cdef unsigned long thread         # identity of the one that runs the plan; 0: none does yet
    cdef int64_t queued               # microseconds: since when it waits for a thread
    cdef object done                  # the response of a task, waiting for its turn

    # Each returns the response, or LATER.
    cdef object run(self)
    cdef object run_inline(self)
    cdef object run_task(self)
    cdef object submit(self)
    cdef bint admits(self, int64_t now) except -1
    cdef object turn_away(self)
    cdef int give_up(self) except -1
    cdef int bring(self, object response) except -1           # what came later
    # Clients that leave, and deadlines.
    cdef int begin_to_wait(self) except -1
    cdef bint has_left(self, bint is_reset) except -1
    cdef int leave_alone(self) except -1
    cdef int cancel_task(self) except -1
    cdef int leave_task(self) except -1
    cdef int expire(self) except -1
    cdef int abandon(self) except -1

"""The map of what is looked after while a plan runs."""

from kolben.server._answer cimport Answerer

cdef object timed_out()               # what is answered instead


cdef class Waiting(Answerer):
    """The side of a connection that waits for its plan."""

    cdef object task
    cdef bint task_is_cancelled
    cdef bint task_is_late            # it was cancelled because its time is over
    cdef unsigned long thread         # identity of the one that runs the plan; 0: none does yet

    cdef int begin_to_wait(self) except -1
    cdef bint has_left(self, bint is_reset) except -1
    cdef int leave_alone(self) except -1
    cdef int cancel_task(self) except -1
    cdef int leave_task(self) except -1
    cdef int expire(self) except -1
    cdef int abandon(self) except -1

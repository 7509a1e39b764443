"""The map of where a plan runs."""

from libc.stdint cimport int64_t

from kolben.server._waiting cimport Waiting

cdef object LATER                     # in the place of a response that a thread or a task will bring


cdef class Runner(Waiting):
    """The side of a connection that runs plans."""

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

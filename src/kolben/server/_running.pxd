"""The map of where a plan runs."""

from kolben.server._answer cimport Answerer

cdef object LATER                     # in the place of a response that a thread or a task will bring


cdef class Runner(Answerer):
    """The side of a connection that runs plans."""

    cdef object task
    cdef object done                  # the response of a task, waiting for its turn

    # Each returns the response, or LATER.
    cdef object run(self)
    cdef object run_inline(self)
    cdef object run_task(self)
    cdef int give_up(self) except -1

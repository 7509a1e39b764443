"""The map of what is said to one peer."""

from libc.stdint cimport int64_t

from kolben.server._engine cimport Engine
from kolben.server._watched cimport Watched

cdef enum:
    COPY_LIMIT = 16384        # bytes of a body up to which it is copied behind its head, to be one write


cdef class Sender(Watched):
    """The side of a connection that writes."""

    cdef Engine engine
    cdef list pending                 # output that the kernel did not take: bytes-like objects
    cdef Py_ssize_t pending_offset    # into the first
    cdef readonly Py_ssize_t pending_size
    cdef int64_t expires              # milliseconds: when a plan has run for too long; 0: never
    cdef long unsent                  # what the kernel kept besides when the write deadline was set
    cdef object stream                # who sends the lazy body and waits while there is no room: ThreadBody or AsyncBody

    cdef int set_deadline(self, int64_t delay) except -1
    cdef int set_write_deadline(self) except -1
    cdef int send_body(self, object body) except -1
    cdef int flush(self) except -1
    cdef int flush_with_batch(self) except -1
    cdef int flush_pending(self) except -1
    cdef int hold(self, object data, Py_ssize_t offset) except -1
    cdef int abort(self) except -1
    # What the connection does.
    cdef int on_drained(self) except -1           # all that waited to be sent is out
    cdef int close(self) except -1

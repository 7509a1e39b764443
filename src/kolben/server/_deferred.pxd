"""The map of small answers that are sent together."""

from libc.stdint cimport int64_t

from kolben.server._watched cimport Watched
from kolben.wire._writer cimport Output

cdef enum:
    AT_ONCE = 128             # answers; and of one, at most this many bytes:
    LONGEST = 4096
    WAIT = 400                # microseconds that an answer waits for the others of its batch


cdef class Deferred:
    """Sends then follow each other, and so do views, and neither drives the other out of the processor's caches."""

    cdef Output output                # the answers, one after the other
    cdef void *by[AT_ONCE]            # Watched, kept alive as everything is until the batch ends
    cdef Py_ssize_t length[AT_ONCE]
    cdef int count
    cdef int64_t since                # microseconds: when the first came
    cdef bint is_sending

    cdef bint take(self, Watched watched, const unsigned char *p, Py_ssize_t n, int64_t now) except -1        # False: there is no room
    cdef int send(self) except -1

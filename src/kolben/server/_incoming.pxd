"""The map of what one peer says."""

from libc.stdint cimport int64_t, uint32_t

from kolben.net._buffer cimport Block
from kolben.server._body cimport BodyReceiver

cdef enum:
    READS_PER_STEP = 8        # of one connection, before others have their turn
    REQUESTS_PER_STEP = 64    # likewise: so many pipelined ones are a fraction of a millisecond


cdef class Receiver(BodyReceiver):
    """The side of a connection that reads."""

    cdef Block *input                 # bytes that came and are not used yet; NULL when there are none (D9)
    cdef uint32_t resume              # of the head's parser
    cdef bint readable                # the kernel may have more
    cdef bint peer_closed             # the peer shut its sending side
    cdef bint head_started            # its deadline runs
    cdef bint ending                  # all is said; shut down once it is sent
    cdef int64_t lingered             # bytes
    cdef bint abandoned               # the plan still runs, but it was answered without it

    cdef bint is_reading(self) noexcept
    cdef int receive(self) except -1
    cdef int take_input(self) except -1
    cdef int keep(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int on_eof(self) except -1
    cdef Py_ssize_t take(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t take_head(self, const unsigned char *p, Py_ssize_t n) except -1

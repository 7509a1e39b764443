"""The map of bodies of requests."""

from libc.stdint cimport int64_t

from kolben.http._plan cimport Plan
from kolben.http._request cimport RequestBase
from kolben.server._output cimport Sender
from kolben.wire._chunk cimport ChunkDecoder

cdef enum Phase:
    READING_HEAD              # or idle: between two requests
    READING_BODY
    SPILLING                  # a batch of the body is on its way to a temporary file
    RUNNING                   # the plan runs, inline, in a thread or as a task
    STREAMING                 # a lazy body is being sent
    LINGERING                 # all is said; what still comes is read and dropped (RFC 9112, section 9.6)
    CLOSED

cdef enum Step:
    OPEN
    RUN
    SEND


cdef class BodyReceiver(Sender):
    """The side of a connection that takes bodies."""

    cdef Phase phase
    cdef bint follows                 # bytes of the next request are here already
    cdef bint keep_alive              # after the present answer
    cdef int64_t body_left            # of a Content-Length body
    cdef int64_t body_received
    cdef int64_t body_began           # milliseconds
    cdef bint chunked
    cdef ChunkDecoder decoder
    cdef bytes whole                  # the body, of a known length, while it comes: `body_received` bytes of it are here; else None
    cdef list chunks                  # of any other body in memory
    cdef int64_t chunks_size
    cdef object spool                 # Spool of bodies.py, or None
    cdef object incoming              # IncomingBody of the present request, whose view runs, while not all of it is here; else None
    cdef bint incoming_has_room
    cdef bint continue_due            # 100 goes out when reading starts
    cdef int64_t body_paused          # milliseconds: since when there was no room
    cdef RequestBase request
    cdef Plan plan

    cdef bint takes_body(self) noexcept
    cdef bint begin_body(self) except -1          # whether the plan may run already
    cdef Py_ssize_t take_body(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t take_chunked(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int add_to_body(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef bint keeps_whole(self, Py_ssize_t n) except -1
    cdef int check_rate(self) except -1
    cdef int end_body(self) except -1
    cdef int set_body_deadline(self) except -1
    cdef int refuse_body(self, int status, object message) except -1
    cdef bint reserve(self) except -1
    cdef bint end_spilling(self, object error) except -1      # whether the request goes on
    cdef int drop_spool(self) except -1
    cdef int begin_incoming(self) except -1
    cdef int feed(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int end_incoming(self, object error) except -1
    # What the connection does.
    cdef int advance(self) except -1              # go on after a pause
    cdef int serve(self, Step step, const unsigned char *p, object response) except -1        # p: the head that was parsed; for OPEN
    cdef int refuse(self, int status, object message) except -1
    cdef int release(self) except -1              # let go of the present request

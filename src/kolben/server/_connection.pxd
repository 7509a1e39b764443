"""The map of a connection's life on our own server."""

from libc.stdint cimport int64_t, uint32_t

from kolben.http._plan cimport Plan
from kolben.http._request cimport ConnectionInfo, RequestBase
from kolben.http._scope cimport Scope
from kolben.net._buffer cimport Block
from kolben.server._engine cimport Engine
from kolben.server._reactor cimport Watched
from kolben.wire._chunk cimport ChunkDecoder

cdef enum:
    COPY_LIMIT = 16384        # bytes of a body up to which it is copied behind its head, to be one write
    READS_PER_STEP = 8        # of one connection, before others have their turn
    REQUESTS_PER_STEP = 64    # likewise: so many pipelined ones are a fraction of a millisecond

cdef enum Phase:
    READING_HEAD              # or idle: between two requests
    READING_BODY
    SPILLING                  # a batch of the body is on its way to a temporary file
    RUNNING                   # the plan runs, inline, in a thread or as a task
    STREAMING                 # a lazy body is being sent
    LINGERING                 # all is said; what still comes is read and dropped (RFC 9112, section 9.6)
    CLOSED


cdef class Connection(Watched):
    """One peer.  Owns its descriptor."""

    cdef Engine engine
    cdef ConnectionFacts info
    cdef Phase phase
    cdef Block *input                 # bytes that came and are not used yet; NULL when there are none (D9)
    cdef uint32_t resume              # of the head's parser
    cdef bint readable                # the kernel may have more
    cdef bint peer_closed             # the peer shut its sending side
    cdef bint follows                 # bytes of the next request are here already
    cdef bint head_started            # its deadline runs
    cdef bint keep_alive              # after the present answer
    cdef int64_t served
    cdef int64_t body_left            # of a Content-Length body
    cdef int64_t body_received
    cdef int64_t body_began           # milliseconds
    cdef int64_t lingered             # bytes
    cdef bint chunked
    cdef ChunkDecoder decoder
    cdef list chunks                  # of the body, in memory
    cdef int64_t chunks_size
    cdef object spool                 # Spool of bodies.py, or None
    cdef object incoming              # IncomingBody of the present request, whose view runs, while not all of it is here; else None
    cdef bint incoming_has_room
    cdef bint continue_due            # 100 goes out when reading starts
    cdef int64_t body_paused          # milliseconds: since when there was no room
    cdef RequestBase request
    cdef Plan plan
    cdef object context               # contextvars.Context of the present request
    cdef Scope scope                  # whose Context that is, if it was lent; else None
    cdef object task
    cdef object done                  # the response of a task, waiting for its turn
    cdef list pending                 # output that the kernel did not take: bytes-like objects
    cdef Py_ssize_t pending_offset    # into the first
    cdef readonly Py_ssize_t pending_size
    cdef long unsent                  # what the kernel kept besides when the write deadline was set
    cdef object stream                # who sends the lazy body: StreamWriter of streams.py
    cdef bint stream_chunked
    cdef int64_t stream_left          # of an announced length; -1: none
    cdef tuple closing                # (a response to be closed once its last byte is out, its context), or None
    cdef int64_t began, ready, started    # microseconds, if there is an access log: its head was complete, its body too, its plan ran
    cdef bint ending                  # all is said; shut down once it is sent

    cdef int open(self, int fd, ConnectionFacts info) except -1
    cdef int set_deadline(self, int64_t delay) except -1
    cdef int set_write_deadline(self) except -1
    # reading
    cdef bint is_reading(self) noexcept
    cdef bint takes_body(self) noexcept
    cdef int receive(self) except -1
    cdef int take_input(self) except -1
    cdef int keep(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int on_eof(self) except -1
    cdef Py_ssize_t take(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t take_head(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t take_body(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t take_chunked(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int add_to_body(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int feed(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int set_body_deadline(self) except -1
    cdef int check_rate(self) except -1
    cdef int refuse_body(self, int status, object message) except -1
    cdef int advance(self) except -1
    # matching and running
    cdef int begin(self, const unsigned char *p) except -1
    cdef int begin_body(self) except -1
    cdef int begin_incoming(self) except -1
    cdef int end_incoming(self, object error) except -1
    cdef int end_body(self) except -1
    cdef bint reserve(self) except -1
    cdef int run(self) except -1
    cdef int run_inline(self) except -1
    cdef int run_task(self) except -1
    cdef int give_up(self) except -1
    # answering
    cdef int answer(self, object response) except -1
    cdef int begin_stream(self, object response) except -1
    cdef int finish(self) except -1
    cdef int release(self) except -1
    cdef int drop_spool(self) except -1
    cdef int drop(self, object response) except -1
    cdef int put_away(self, object response) except -1
    cdef int refuse(self, int status, object message) except -1
    # sending
    cdef int send_body(self, object body) except -1
    cdef int flush(self) except -1
    cdef int flush_with_batch(self) except -1
    cdef int flush_pending(self) except -1
    cdef int hold(self, object data, Py_ssize_t offset) except -1
    cdef int on_drained(self) except -1
    # ending
    cdef int end(self) except -1
    cdef int abort(self) except -1
    cdef int close(self) except -1


cdef class ConnectionFacts(ConnectionInfo):
    """Both ends' addresses; outlives the connection where a request is kept."""

    cdef bytes counted                # under which key the engine counts its connection; None: it does not
    cdef unsigned char address[28]    # struct sockaddr_in or sockaddr_in6; its family is 0 where there is none

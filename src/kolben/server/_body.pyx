"""Bodies of requests: collected, spooled to a file, or read while they come.

One that is collected or spooled leads to `serve` when it is here; one that is read while it comes is fed to who reads it.  Nothing here
waits.  Refuses to know where bytes come from, and which of them are heads.
"""

import logging

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from kolben.http._request cimport RequestBase
from kolben.server._engine cimport Engine
from kolben.server._output cimport COPY_LIMIT, Sender
from kolben.server._agenda cimport MEMORY_TRIES, MEMORY_WAIT
from kolben.net._socket cimport usleep
from kolben.wire._chunk cimport CHUNK_DATA, CHUNK_END, ChunkEvent, decode_chunked

from werkzeug import exceptions

from kolben.http.incoming import IncomingBody
from kolben.server.bodies import Spool

cdef object log = logging.getLogger("kolben.server")
cdef enum:                    # bytes
    WHOLE_FROM = 1            # of a body that are still to come: then it gets its memory at once
    WHOLE_LIMIT = 1 << 20     # and is no longer than this, where `limits.body_memory` says nothing
cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


cdef inline void put(unsigned char *into, const unsigned char *p, Py_ssize_t n) noexcept:
    """Copy, unless the bytes were read to where they belong."""
    if into != p:
        memcpy(into, p, n)


@cython.no_gc_clear       # as what it is made of, and what is made of it
cdef class BodyReceiver(Sender):

    cdef int serve(self, Step step, const unsigned char *p, object response) except -1:
        return 0

    cdef int refuse(self, int status, object message) except -1:
        return 0

    cdef int release(self) except -1:
        return 0

    cdef int advance(self) except -1:
        return 0

    # ------------------------------------------------ a body that is collected

    cdef bint takes_body(self) noexcept:
        """Whether bytes from the peer are the present request's body."""
        return self.phase == READING_BODY or self.incoming is not None

    cdef bint begin_body(self) except -1:
        """See to what follows the head; return whether the plan may run already."""
        cdef Engine engine = self.engine
        cdef RequestBase request = self.request
        cdef int64_t length = request.span.content_length
        if engine.body_limit and length > engine.body_limit:
            self.refuse(413, f"the body is longer than {engine.body_limit} bytes (RFC 9110, section 15.5.14)")
            return False
        if not self.plan.needs_body and (request.span.chunked or request.span.expect_continue or length > engine.body_memory):
            self.keep_alive = False                       # answered before the body came; what comes of it is dropped
            return True
        if not self.plan.streams_body and length > engine.body_memory and engine.body_memory and not engine.spool_quota.has_room(length):
            self.refuse_for_quota(length)
            return False
        self.phase = READING_BODY
        self.chunked = request.span.chunked
        self.body_left = length                           # -1 in the chunked coding
        self.body_received = 0
        self.body_began = engine.reactor.now
        self.chunks = self.whole = None
        self.chunks_size = 0
        memset(&self.decoder, 0, sizeof(self.decoder))
        if self.plan.streams_body:
            self.begin_incoming()
            return True
        if not self.follows:                              # else its first piece is taken at once
            self.set_deadline(engine.body_idle)
        if request.span.expect_continue and not self.follows:      # RFC 9110, section 10.1.1
            engine.output.write(<const unsigned char *>PyBytes_AS_STRING(CONTINUE), PyBytes_GET_SIZE(CONTINUE))
        return False

    cdef Py_ssize_t take_body(self, const unsigned char *p, Py_ssize_t n) except -1:
        if self.chunked:
            self.set_body_deadline()
            return self.take_chunked(p, n)
        if n < self.body_left or self.incoming is not None:
            self.set_body_deadline()
        self.follows = n > self.body_left
        if self.follows:
            n = self.body_left
        self.body_left -= n
        self.add_to_body(p, n)
        if self.body_left == 0:
            self.end_body()
        elif self.takes_body():
            self.check_rate()
        return n

    cdef Py_ssize_t take_chunked(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef const unsigned char *data
        cdef Py_ssize_t size, now, used = 0
        cdef ChunkEvent event
        while used < n and self.takes_body():
            event = decode_chunked(&self.decoder, p + used, n - used, self.engine.chunk_overhead, &now, &data, &size)
            used += now
            if event == CHUNK_DATA:
                if self.engine.body_limit and self.body_received + size > self.engine.body_limit:
                    self.refuse_body(413, f"the body is longer than {self.engine.body_limit} bytes (RFC 9110, section 15.5.14)")
                    return n
                self.add_to_body(data, size)
            elif event == CHUNK_END:
                self.follows = used < n
                self.end_body()
                return used
        if self.takes_body():
            self.check_rate()
        return used

    cdef int add_to_body(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Keep a piece of the body; past `limits.body_memory` send what there is to a temporary file."""
        if self.keeps_whole(n):
            put(<unsigned char *>PyBytes_AS_STRING(self.whole) + self.body_received, p, n)
            self.body_received += n
            return 0
        self.body_received += n
        if self.incoming is not None:
            return self.feed(p, n)
        self.chunks_size += n
        if self.chunks is None:
            self.chunks = [PyBytes_FromStringAndSize(<const char *>p, n)]
        elif n < 1024:
            # Many tiny chunks must not cost an object each (aiohttp held 28 times the size of such a body).
            piece = self.chunks[-1]
            if isinstance(piece, bytearray) and len(piece) < COPY_LIMIT:
                piece += p[:n]
            else:
                self.chunks.append(bytearray(p[:n]))
        else:
            self.chunks.append(PyBytes_FromStringAndSize(<const char *>p, n))
        if self.engine.body_memory and self.chunks_size > self.engine.body_memory and not self.body_left == 0:
            self.spill()
        return 0

    cdef bint keeps_whole(self, Py_ssize_t n) except -1:
        """Whether the body, of which `n` bytes more came, has its memory: it is then read straight into that.

        PERF: a body of 100 KiB costs one copy less, and no piece of it an object; `bench/uploads.py`.
        """
        if self.whole is None:
            if self.chunked or self.body_received or self.body_left < WHOLE_FROM or self.incoming is not None:
                return False
            if self.body_left + n > (self.engine.body_memory or WHOLE_LIMIT):
                return False
            self.whole = PyBytes_FromStringAndSize(NULL, self.body_left + n)
        return True

    cdef int check_rate(self) except -1:
        """Refuse a body that drips (slow-body attack): after a grace it must have come at a certain rate."""
        cdef int64_t elapsed = self.engine.reactor.now - self.body_began
        if self.engine.body_grace and elapsed > self.engine.body_grace and (
                self.body_received < self.engine.body_rate * elapsed / 1000):
            self.refuse_body(408, "the body of the request comes too slowly (RFC 9110, section 15.5.9)")
        return 0

    cdef int end_body(self) except -1:
        """The body is complete: hand it to the request."""
        if self.incoming is not None:
            return self.end_incoming(None)
        if self.spool is not None:
            if not self.reserve():
                return 0
            chunks, self.chunks = self.chunks or [], None
            self.phase = SPILLING
            self.engine.executor.submit(self.spool.finish, chunks, self.on_spooled)
            return 0
        if self.whole is not None:
            self.request.body, self.whole = self.whole, None
        elif self.chunks is None:
            self.request.body = b""
        elif len(self.chunks) == 1 and type(self.chunks[0]) is bytes:
            self.request.body = self.chunks[0]
        else:
            self.request.body = b"".join(self.chunks)
        self.chunks = None
        return self.serve(RUN, NULL, None)

    cdef int set_body_deadline(self) except -1:
        """A deadline for the next byte, if it is the peer's turn."""
        if self.pending is not None:
            return 0                                      # the one of writing runs
        return self.set_deadline(self.engine.body_idle if self.incoming is None or (
            self.incoming_has_room and not self.continue_due) else 0)

    cdef int refuse_body(self, int status, object message) except -1:
        """The body cannot be taken: refuse the request; if it runs already, tell who reads, and let it be the last."""
        if self.incoming is None:
            return self.refuse(status, message)
        self.engine.refused += 1
        log.debug("Refused a body with %d: %s", status, message)
        self.keep_alive = False
        return self.end_incoming(exceptions.default_exceptions[status](message))

    # ------------------------------------------------ a body that is spooled

    def spill(self):
        """Write what there is of the body to a temporary file, off the loop; reading rests meanwhile."""
        if self.spool is None:
            self.spool = Spool(self.engine.spool_quota)
        if not self.reserve():
            return
        self.phase = SPILLING
        batch, self.chunks, self.chunks_size = self.chunks, None, 0
        self.engine.executor.submit(self.spool.write, batch, self.on_spilled)

    cdef bint reserve(self) except -1:
        """Take room for a batch of the body from `limits.spool`; False: the request is refused."""
        if self.spool.reserve(self.chunks_size):
            return True
        self.refuse_for_quota(self.spool.reserved + self.chunks_size)
        return False

    def refuse_for_quota(self, size):
        """A body of `size` bytes or more does not fit into `limits.spool`: not now, or never."""
        limit = self.engine.spool_quota.limit
        if size > limit:
            self.refuse(413, f"the body is longer than {limit} bytes (RFC 9110, section 15.5.14)")
        else:
            log.warning("limits.spool is used up: a request body of %d bytes or more was refused", size)
            self.refuse(507, "the server has no room for the body (RFC 4918, section 11.5)")

    def on_spilled(self, error):
        """In a turn: a batch is written, or could not be."""
        if self.end_spilling(error):
            self.set_deadline(self.engine.body_idle)
            self.advance()

    def on_spooled(self, error):
        """In a turn: the whole body is in its file, or could not be written."""
        if self.end_spilling(error):
            self.request.body = self.spool.file
            self.serve(RUN, NULL, None)
            self.advance()

    cdef bint end_spilling(self, object error) except -1:
        """A thread is done with the temporary file: return whether the request goes on."""
        if self.fd < 0:
            self.drop_spool()
            return False
        self.phase = READING_BODY
        if error is None:
            return True
        log.error("A request body could not be spooled to a temporary file: %r", error)
        self.refuse(507, "the server has no room for the body (RFC 4918, section 11.5)")
        self.advance()
        return False

    cdef int drop_spool(self) except -1:
        """Forget a body that is not needed: its memory, and its temporary file; never while a thread works with that."""
        self.whole = None
        if self.spool is not None:
            self.spool.close()
            self.spool = None
        return 0

    # ------------------------------------------------ a body that is read while it comes

    cdef int begin_incoming(self) except -1:
        """Give the request a body that is still to come."""
        self.incoming = self.request.body = IncomingBody(self.engine.body_memory, self.on_body_wanted_elsewhere)
        self.incoming_has_room = True
        self.continue_due = self.request.span.expect_continue and not self.follows
        return self.set_body_deadline()

    cdef int feed(self, const unsigned char *p, Py_ssize_t n) except -1:
        self.incoming_has_room = self.incoming.feed(PyBytes_FromStringAndSize(<const char *>p, n))
        if not self.incoming_has_room:
            self.body_paused = self.engine.reactor.now
            self.set_body_deadline()
        return 0

    def on_body_wanted_elsewhere(self, incoming):
        """In whatever thread reads: reading begins, or there is room again."""
        self.engine.reactor.post(self.on_body_wanted, incoming)

    def on_body_wanted(self, incoming):
        """In a turn: the same."""
        if incoming is not self.incoming:
            return
        if self.continue_due:                             # RFC 9110, section 10.1.1
            self.continue_due = False
            self.body_began = self.engine.reactor.now
            self.engine.output.write(<const unsigned char *>PyBytes_AS_STRING(CONTINUE), PyBytes_GET_SIZE(CONTINUE))
        if not self.incoming_has_room:
            self.incoming_has_room = True
            self.body_began += self.engine.reactor.now - self.body_paused      # that was the view's time, not the peer's
        self.set_body_deadline()
        self.advance()

    cdef int end_incoming(self, object error) except -1:
        """All of it is here, or no more comes."""
        cdef int tries = MEMORY_TRIES
        incoming, self.incoming = self.incoming, None
        self.continue_due = False
        while True:
            try:
                incoming.end() if error is None else incoming.fail(error)
                break
            except MemoryError:                           # who reads would wait for ever
                tries -= 1
                if tries == 0:
                    raise
            with nogil:
                usleep(MEMORY_WAIT)
        return self.set_deadline(0) if self.pending is None and self.phase == RUNNING else 0

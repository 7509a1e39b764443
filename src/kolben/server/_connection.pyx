"""One connection's life: open · match · run · send · continue.

The main road of a small request is receive → take → take_head → begin → run → answer → finish → flush: one recv, one send.
Nothing here waits.  A body that is not complete, a plan in a thread, output that the kernel does not take: each is a phase, and an
event, a timer or a posted result goes on from there.

Invariants: the engine's read buffer and output are empty when a step ends; one request at a time is in the handler, and nothing is
read meanwhile, so that pipelined requests wait in the kernel; nor is a request begun while output waits to be sent; the first bytes
of `input` are where the parser goes on.  What stopped before everything was read stands in the ready list, or waits for an event that
is sure to come: an answer, a spilled batch, drained output.
"""

import logging
from asyncio import CancelledError

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from kolben.base._alive cimport CONNECTIONS, TASKS, counts
from kolben.http._plan cimport INLINE, Plan, TASK
from kolben.http._request cimport RequestBase
from kolben.http._response cimport Outgoing, PlainResponse, is_lazy, plain_response
from kolben.http._scope cimport Scope
from kolben.net._poller cimport FAILED, PEER_CLOSED, READABLE, WRITABLE
from kolben.server._engine cimport Engine, PLACE_SIZE, READ_SIZE
from kolben.server._lease cimport CALL, STEP, microseconds
from kolben.server._reactor cimport MEMORY_TRIES, MEMORY_WAIT, Reactor
from kolben.server._socket cimport (
    AF_INET, AF_INET6, EAGAIN, EWOULDBLOCK, SHUT_WR, c_close, errno, inet_ntop, ntohs, recv, reset_on_close, send, send2, shutdown,
    sockaddr_in, sockaddr_in6, unsent, usleep,
)
from kolben.wire._chunk cimport CHUNK_DATA, CHUNK_END, ChunkEvent, decode_chunked
from kolben.wire._head cimport PARTIAL
from kolben.wire._writer cimport Output, write_chunk, write_last_chunk

from werkzeug import exceptions

from kolben.base.errors import ProtocolError
from kolben.http.incoming import IncomingBody
from kolben.server.bodies import Spool
from kolben.server.streams import AsyncBody, ThreadBody

cdef extern from "Python.h":
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()
cdef object log = logging.getLogger("kolben.server")
cdef bytes TEXT = b"text/plain; charset=utf-8"
cdef object GONE = exceptions.ClientDisconnected          # the class: a connection may end because there is no memory
cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


cdef int note_place(char *place, object name) except -1:
    """Leave a plan's name where whoever looks for the cause of a crash finds it."""
    cdef Py_ssize_t n
    cdef const char *text = PyUnicode_AsUTF8AndSize(name, &n)
    n = min(n, PLACE_SIZE - 1)
    memcpy(place, text, n)
    place[n] = 0
    return 0


cdef int view_of(object data, const unsigned char **p, Py_ssize_t *n) except -1:
    """Borrow the memory of bytes, or of a str as UTF-8."""
    if isinstance(data, bytes):
        p[0] = <const unsigned char *>PyBytes_AS_STRING(data)
        n[0] = PyBytes_GET_SIZE(data)
    else:
        p[0] = <const unsigned char *>PyUnicode_AsUTF8AndSize(data, n)
    return 0


cdef class ConnectionFacts(ConnectionInfo):

    cdef object make_remote(self):
        cdef char text[64]
        cdef sockaddr_in *v4 = <sockaddr_in *>self.address
        cdef sockaddr_in6 *v6 = <sockaddr_in6 *>self.address
        if v4.sin_family == AF_INET and inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text)) != NULL:
            return (text.decode("ascii"), ntohs(v4.sin_port))
        if v6.sin6_family == AF_INET6 and inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text)) != NULL:
            return (text.decode("ascii"), ntohs(v6.sin6_port))
        return None


@cython.no_gc_clear       # its timer, and its block, are given back to objects that it refers to
cdef class Connection(Watched):

    def __cinit__(self):
        counts[CONNECTIONS] += 1

    def __init__(self, Engine engine not None):
        self.engine = engine

    def __dealloc__(self):
        counts[CONNECTIONS] -= 1
        if self.fd >= 0:
            c_close(self.fd)

    # ------------------------------------------------ open

    cdef int open(self, int fd, ConnectionFacts info) except -1:
        self.fd = fd
        self.info = info
        self.phase = READING_HEAD
        self.readable = True
        self.engine.reactor.watch(self, False)
        self.engine.active += 1
        if self.engine.open_now != NULL:
            self.engine.open_now[0] = self.engine.active
        self.engine.accepted += 1
        return self.set_deadline(self.engine.first_byte)

    # ------------------------------------------------ events

    cdef int on_event(self, int flags) except -1:
        if flags & (PEER_CLOSED | FAILED):
            self.peer_closed = True
        if flags & (READABLE | PEER_CLOSED | FAILED):
            self.readable = True
        if self.pending is not None and flags & (WRITABLE | FAILED):
            self.flush_pending()
        if self.phase == STREAMING and flags & FAILED:
            return self.abort()                           # nobody is there any more; a body that waits would not find out
        if self.readable and self.fd >= 0:
            self.receive()
        return 0

    cdef int on_ready(self) except -1:
        if self.done is not None:
            response, self.done = self.done, None
            self.answer(response)
        return self.advance()

    cdef int on_timer(self) except -1:
        """A deadline passed; which one, the phase tells."""
        if self.pending is not None:
            if unsent(self.fd) < self.unsent:
                return self.set_write_deadline()          # it reads, but not enough for an event: the kernel's buffer is large
            self.abort()
        elif self.phase == READING_HEAD:
            if self.head_started:
                self.refuse(408, "the head of the request did not come in time (RFC 9110, section 15.5.9)")
            else:
                self.close()
        elif self.phase == READING_BODY:
            self.refuse(408, "the body of the request did not come in time (RFC 9110, section 15.5.9)")
        elif self.phase == LINGERING:
            self.close()
        elif self.incoming is not None:
            self.refuse_body(408, "the body of the request did not come in time (RFC 9110, section 15.5.9)")
        return 0

    cdef int set_deadline(self, int64_t delay) except -1:
        """Have on_timer() called after `delay` milliseconds instead of what was set before; 0: never."""
        if delay:
            return self.engine.reactor.set_timer(self, delay)
        return self.engine.reactor.clear_timer(self)

    cdef int set_write_deadline(self) except -1:
        self.unsent = unsent(self.fd)
        return self.set_deadline(self.engine.write)

    cdef int on_error(self) except -1:
        self.engine.output.length = 0
        return self.abort()

    # ------------------------------------------------ reading

    cdef bint is_reading(self) noexcept:
        """Whether bytes from the peer are wanted now."""
        return self.phase <= READING_BODY or self.phase == LINGERING or (self.incoming is not None and self.incoming_has_room)

    cdef bint takes_body(self) noexcept:
        """Whether bytes from the peer are the present request's body."""
        return self.phase == READING_BODY or self.incoming is not None

    cdef int receive(self) except -1:
        """Read until the kernel has no more, or what came has to be worked on first."""
        cdef Engine engine = self.engine
        cdef unsigned char *p
        cdef Py_ssize_t n, room, used
        cdef int reads = 0
        while self.readable and (self.phase <= READING_BODY or self.is_reading()) and not self.in_ready:
            if self.phase == READING_HEAD and self.pending is not None:
                break                                     # an answer is not taken yet: no new requests
            if reads == READS_PER_STEP:
                engine.reactor.schedule(self)
                break
            reads += 1
            if self.input == NULL:
                p = engine.read_buffer
                room = READ_SIZE
            else:
                self.input = engine.blocks.reserve(self.input, 4096)
                p = self.input.data + self.input.end
                room = self.input.capacity - self.input.end
            n = recv(self.fd, p, room)
            if n <= 0:
                if n == 0:
                    self.readable = False
                    self.on_eof()
                elif errno == EAGAIN or errno == EWOULDBLOCK:
                    self.readable = False
                else:
                    self.close()                          # ECONNRESET and its kind: a normal end
                break
            if n < room and not self.peer_closed:
                self.readable = False                     # a short read drained the socket; the next byte is a new edge
            if self.input == NULL:
                used = self.take(p, n)
                if used < n and self.fd >= 0:
                    self.keep(p + used, n - used)
            else:
                self.input.end += n
                self.take_input()
        return self.flush_with_batch() if self.fd >= 0 else 0

    cdef int keep(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Copy what was not used out of the engine's buffer."""
        self.input = self.engine.blocks.take(n)
        memcpy(self.input.data, p, n)
        self.input.end = n
        return 0

    cdef int take_input(self) except -1:
        """Use what was kept; give the block back when it is empty."""
        cdef Block *block = self.input
        self.input = NULL                                 # so that a close in the middle does not free it under the parser
        try:
            block.start += self.take(block.data + block.start, block.end - block.start)
        finally:
            if self.fd >= 0 and block.start < block.end:
                self.input = block
            else:
                self.engine.blocks.give(block)
        return 0

    cdef int on_eof(self) except -1:
        """The peer shut its sending side.  What it asked for, it still gets."""
        self.peer_closed = True
        self.flush()                                      # answers to what it sent before
        if self.fd < 0:
            return 0
        if self.pending is None or self.incoming is not None:
            return self.close()
        self.phase = LINGERING                            # until they are sent
        self.ending = True
        self.drop_spool()
        return self.release()

    cdef Py_ssize_t take(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Use bytes from the peer; return how many.  The rest waits for the present answer, or for more bytes."""
        cdef Py_ssize_t used = 0
        cdef Py_ssize_t now
        cdef int heads = 0
        try:
            while used < n:
                if self.phase == READING_HEAD:
                    if self.pending is not None:
                        break
                    if heads == REQUESTS_PER_STEP:
                        self.engine.reactor.schedule(self)
                        break
                    heads += 1
                    now = self.take_head(p + used, n - used)
                    if now == 0:
                        break
                elif self.phase == READING_BODY:
                    now = self.take_body(p + used, n - used)
                elif self.phase == LINGERING:
                    self.lingered += n - used
                    if self.lingered > self.engine.lingering_limit:
                        self.close()
                    return n
                elif self.incoming is not None and self.incoming_has_room:
                    now = self.take_body(p + used, n - used)
                else:
                    break
                used += now
        except ProtocolError as error:
            self.refuse_body(error.status, str(error))
            return n
        return used if self.phase != CLOSED else n

    cdef Py_ssize_t take_head(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Parse a head and begin its request; 0 if it is not complete."""
        cdef Py_ssize_t used = self.engine.parser.parse(p, n, &self.resume)
        if used == PARTIAL:
            if not self.head_started:
                self.set_deadline(self.engine.head)
            self.head_started = True
            return 0
        self.resume = 0
        self.head_started = False
        self.follows = used < n
        self.begin(p)
        return used

    cdef Py_ssize_t take_body(self, const unsigned char *p, Py_ssize_t n) except -1:
        self.set_body_deadline()
        if self.chunked:
            return self.take_chunked(p, n)
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
        self.body_received += n
        if self.incoming is not None:
            return self.feed(p, n)
        self.chunks_size += n
        if n < 1024 and self.chunks:
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

    def spill(self):
        """Write what there is of the body to a temporary file, off the loop; reading rests meanwhile."""
        if self.spool is None:
            self.spool = Spool(self.engine.spool_quota)
        if not self.reserve():
            return
        self.phase = SPILLING
        batch, self.chunks, self.chunks_size = self.chunks, [], 0
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
        if self.fd < 0:
            self.drop_spool()
            return
        self.phase = READING_BODY
        if error is not None:
            self.refuse_for_room(error)
        else:
            self.set_deadline(self.engine.body_idle)
        self.advance()

    def refuse_for_room(self, error):
        """The body could not be written to its temporary file."""
        log.error("A request body could not be spooled to a temporary file: %r", error)
        self.refuse(507, "the server has no room for the body (RFC 4918, section 11.5)")

    cdef int check_rate(self) except -1:
        """Refuse a body that drips (slow-body attack): after a grace it must have come at a certain rate."""
        cdef int64_t elapsed = self.engine.reactor.now - self.body_began
        if self.engine.body_grace and elapsed > self.engine.body_grace and (
                self.body_received < self.engine.body_rate * elapsed / 1000):
            self.refuse_body(408, "the body of the request comes too slowly (RFC 9110, section 15.5.9)")
        return 0

    cdef int advance(self) except -1:
        """Go on after a pause: first with what was kept, then with what the kernel has."""
        if self.fd >= 0 and self.input != NULL and self.is_reading():
            self.take_input()
        if self.fd >= 0 and self.readable:
            return self.receive()
        if self.fd >= 0:
            self.flush()
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

    # ------------------------------------------------ match

    cdef int begin(self, const unsigned char *p) except -1:
        """A head is complete: make the request, find its plan, and see to its body."""
        cdef Engine engine = self.engine
        cdef RequestBase request = self.make_request(p)
        self.served += 1
        engine.requests += 1
        if engine.access_log is not None:
            self.began = self.ready = self.started = microseconds()
        self.keep_alive = request.span.keep_alive and not engine.draining and not (
            engine.request_limit and self.served >= engine.request_limit and not self.follows)
        try:
            self.plan = engine.handler.match(request)
            if type(request) is not engine.handler.request_class:     # the handler has noticed just now that it was exchanged
                request = self.make_request(p)
                self.plan = engine.handler.match(request)
        except BaseException:                             # a fault of the handler: it promised not to raise
            log.exception("Error in %r.match()", engine.handler)
            return self.refuse(500, "Internal Server Error")
        if request.span.content_length > 0 or request.span.chunked:
            self.begin_body()
        elif self.plan.streams_body:
            self.begin_incoming()
            self.end_incoming(None)
            self.run()
        else:
            self.run()
        return 0

    cdef RequestBase make_request(self, const unsigned char *p):
        """Make the present request of the head that was parsed; its class's constructor is not called."""
        cdef object request_class = self.engine.handler.request_class
        cdef RequestBase request
        if request_class is None:                         # it has no slots
            raise TypeError(f"{self.engine.handler!r}: request_class: expected a class, got None")
        request = (<TypeSlots *>request_class).tp_new(<TypeSlots *>request_class, NO_ARGS, NULL)
        request.fill(p, &self.engine.parser.head, self.info)
        self.request = request
        return request

    cdef int begin_body(self) except -1:
        cdef Engine engine = self.engine
        cdef RequestBase request = self.request
        cdef int64_t length = request.span.content_length
        if engine.body_limit and length > engine.body_limit:
            return self.refuse(413, f"the body is longer than {engine.body_limit} bytes (RFC 9110, section 15.5.14)")
        if not self.plan.needs_body and (request.span.chunked or request.span.expect_continue or length > engine.body_memory):
            self.keep_alive = False                       # answered before the body came; what comes of it is dropped
            return self.run()
        if not self.plan.streams_body and length > engine.body_memory and engine.body_memory and not engine.spool_quota.has_room(length):
            return self.refuse_for_quota(length)
        self.phase = READING_BODY
        self.chunked = request.span.chunked
        self.body_left = length                           # -1 in the chunked coding
        self.body_received = 0
        self.body_began = engine.reactor.now
        self.chunks = []
        self.chunks_size = 0
        memset(&self.decoder, 0, sizeof(self.decoder))
        if self.plan.streams_body:
            self.begin_incoming()
            return self.run()
        self.set_deadline(engine.body_idle)
        if request.span.expect_continue and not self.follows:      # RFC 9110, section 10.1.1
            engine.output.write(<const unsigned char *>PyBytes_AS_STRING(CONTINUE), PyBytes_GET_SIZE(CONTINUE))
        return 0

    cdef int end_body(self) except -1:
        """The body is complete: hand it to the request."""
        if self.incoming is not None:
            return self.end_incoming(None)
        if self.spool is not None:
            if not self.reserve():
                return 0
            chunks, self.chunks = self.chunks, None
            self.phase = SPILLING
            self.engine.executor.submit(self.spool.finish, chunks, self.on_spooled)
            return 0
        if len(self.chunks) == 1 and type(self.chunks[0]) is bytes:
            self.request.body = self.chunks[0]
        else:
            self.request.body = b"".join(self.chunks)
        self.chunks = None
        return self.run()

    def on_spooled(self, error):
        """In a turn: the whole body is in its file."""
        if self.fd < 0:
            self.drop_spool()
            return
        self.phase = READING_BODY
        if error is not None:
            self.refuse_for_room(error)
        else:
            self.request.body = self.spool.file
            self.run()
        self.advance()

    # ------------------------------------------------ run

    cdef int run(self) except -1:
        self.phase = RUNNING
        if self.engine.place != NULL:
            note_place(self.engine.place, self.plan.name)
        if self.engine.access_log is not None:
            self.ready = self.started = microseconds()
        if self.plan.mode == INLINE and not self.plan.streams_body and not self.engine.reactor.lease.is_taken():
            return self.run_inline()
        if self.plan.mode == TASK:
            return self.run_task()
        self.context = PyContext_Copy(self.engine.base_context)
        if not self.engine.executor.submit_request(self):
            self.answer(busy())
        return 0

    cdef int run_inline(self) except -1:
        cdef Reactor reactor = self.engine.reactor
        cdef Plan plan = self.plan
        cdef int64_t lasted
        self.scope = self.engine.contexts.lend()
        self.context = self.scope.context
        reactor.leave_loop()
        reactor.begin_call(CALL, self)
        PyContext_Enter(self.context)
        try:
            response = plan.run(self.request)
        except BaseException:
            response = self.failed()
        finally:
            PyContext_Exit(self.context)
        lasted = reactor.end_call()
        if plan.note_inline(lasted):
            log.info("%s runs in a thread from now on: a call took %.1f ms", plan.name, lasted / 1000)
        if lasted < 0:                                    # others were served meanwhile, and perhaps this connection has ended
            reactor.post(self.on_response, response)
            return 0
        return self.answer(response)

    cdef object on_rescue(self):
        """In the watchdog's thread: let others use what is shared, and send what was answered before this request."""
        cdef int64_t times
        self.engine.exchange_buffers()
        self.plan.note_rescue()
        self.flush()
        times = self.plan.record.rescued
        return self.plan.name if times & (times - 1) == 0 else None       # one that is pinned may block every time

    cdef object running(self):
        return "a body" if self.plan is None else self.plan.name

    def run_in_thread(self):
        """In a thread of the pool: run the plan, and iterate over its body if that is lazy."""
        try:
            self.run_and_post()
        except BaseException:                             # there was no memory, most likely: who asked must not wait for ever
            self.give_up()
            raise

    cdef int give_up(self) except -1:
        cdef int tries = MEMORY_TRIES
        while True:
            try:
                self.engine.reactor.post(self.on_lost, None)
                return 0
            except MemoryError:                           # for the bound method
                tries -= 1
                if tries == 0:
                    raise
            with nogil:
                usleep(MEMORY_WAIT)

    def on_lost(self, _):
        """In a turn: a thread could not do its work for this connection."""
        self.abort()

    def run_and_post(self):
        cdef bint lazy = False
        cdef Plan plan = self.plan
        cdef int64_t began = self.engine.reactor.lease.now()
        request, context = self.request, self.context
        if self.fd < 0:
            return                                        # cut while it waited
        if self.engine.access_log is not None:
            self.started = microseconds()
        if plan.streams_body and not self.engine.executor.leave_pool():
            self.engine.reactor.post(self.on_response, busy())
            return
        try:
            PyContext_Enter(context)
            try:
                response = plan.run(request)
                lazy = is_lazy(response) and not hasattr(response.response, "__aiter__")
            except BaseException:
                response = self.failed()
            finally:
                PyContext_Exit(context)
            if lazy:
                plan.note_lazy()
                self.iterate_in_thread(response, context, plan.streams_body)
                return
            # With one peer alone, no other thread has anything to do meanwhile.
            if plan.note_in_thread(self.engine.reactor.lease.now() - began, self.engine.active > 1):
                log.info("%s runs inline from now on: its calls are short", plan.name)
            if not self.engine.reactor.post(self.on_response, response):
                self.forget_response(response, context)
        finally:
            if plan.streams_body:
                self.engine.executor.return_to_pool()

    def iterate_in_thread(self, response, context, has_left_pool):
        """In the thread that made it: iterate over a lazy body, when the loop's thread has sent the head."""
        if not has_left_pool and not self.engine.executor.leave_pool():
            self.forget_response(response, context)
            self.engine.reactor.post(self.on_response, busy())
            return
        try:
            body = ThreadBody(self, response)
            if not self.engine.reactor.post(self.on_lazy, body):
                body.cancel()
            context.run(body.pump)
        finally:
            if not has_left_pool:
                self.engine.executor.return_to_pool()

    def on_response(self, response):
        """In a turn: a thread has made a whole response."""
        self.answer(response)
        self.advance()

    def on_lazy(self, body):
        """In a turn: a thread has made a response and waits to be told to iterate over its body."""
        self.stream = body
        self.answer(body.response)
        self.advance()

    cdef int run_task(self) except -1:
        cdef Reactor reactor = self.engine.reactor
        if reactor.lease.is_taken():
            reactor.post_to_loop(self.run_late_task, None)
            return 0
        self.scope = self.engine.contexts.lend()
        self.context = self.scope.context
        reactor.enter_loop()
        self.plan.record.calls += 1
        reactor.begin_call(STEP, self)
        try:
            task = self.engine.starter.start(self.plan.run_async(self.request), self.context, self.plan.name)
        except BaseException:
            reactor.end_call()
            return self.answer(self.failed())
        reactor.end_call()
        if self.engine.starter.is_done:
            response = self.result_of(task)
            task = None                                   # which keeps the Context
            return self.answer(response)
        reactor.lease.tasks += 1
        task.add_done_callback(self.on_task_done)
        self.task = task
        counts[TASKS] += 1
        return 0

    def run_late_task(self, _):
        """In a turn: the loop's thread has the lease again."""
        if self.fd < 0:                                   # cut while it waited
            self.drop_spool()
            self.release()
        else:
            self.run_task()
            self.advance()

    def on_task_done(self, task):
        """In the loop, not in a turn."""
        self.engine.reactor.lease.tasks -= 1
        self.task = None
        counts[TASKS] -= 1
        response = self.result_of(task)
        if self.fd >= 0:
            self.done = response
            self.engine.reactor.schedule(self)
        else:
            self.drop(response)

    def result_of(self, task):
        """What a finished task returned; 500 for what it raised."""
        try:
            return task.result()
        except CancelledError:
            return plain_response(503, TEXT, "The server cancelled the request.\n")
        except BaseException:
            return self.failed()

    def failed(self):
        """While an exception is handled: log it; what is answered instead."""
        log.exception("Error in %s, not caught by the application", self.plan.name)
        return plain_response(500, TEXT, "Internal Server Error\n")

    # ------------------------------------------------ send

    cdef int answer(self, object response) except -1:
        """Send a response: the head, and the body or what leads to it."""
        cdef Engine engine = self.engine
        cdef Outgoing outgoing = engine.outgoing
        cdef Py_ssize_t start = engine.output.length
        if self.fd < 0:                                   # the peer is gone
            return self.drop(response)
        if self.incoming is not None:
            self.keep_alive = False                       # what was not read of the body is no request
            self.continue_due = False
        if self.spool is not None:
            self.hand_over_spool(response)
        try:
            outgoing.take(response, self.request, engine.output, self.keep_alive)
        except BaseException:
            log.exception("The response of %s cannot be sent", self.plan.name)
            self.put_away(response)
            outgoing.take(plain_response(500, TEXT, "Internal Server Error\n"), self.request, engine.output, self.keep_alive)
        if outgoing.iterable is not None:
            self.plan.note_lazy()
        if outgoing.iterable is not None and self.needs_thread(outgoing.iterable) and not engine.executor.reserve_stream():
            engine.output.length = start
            self.put_away(response)
            outgoing.take(busy(), self.request, engine.output, self.keep_alive)
        self.keep_alive = outgoing.keep_alive
        if engine.access_log is not None:
            self.note(outgoing.status)
        if outgoing.iterable is not None:
            return self.begin_stream(response)
        if self.stream is not None:
            self.stream.start(None)                       # HEAD, 204, 304: nothing to iterate over; it closes the response
            self.stream = None
            outgoing.response = None
        if outgoing.body is not None:
            self.send_body(outgoing.body)
        if outgoing.response is not None and (outgoing.response._on_close or not engine_closes_nothing(outgoing.response)):
            self.flush()
            if self.pending is None:
                self.forget_response(outgoing.response, self.context)
            else:
                self.closing = (outgoing.response, self.context)
        outgoing.forget()
        return self.finish()

    def note(self, int status):
        """Give one answer to the access log; an error of the log's is not the request's."""
        cdef int64_t now = microseconds()
        cdef int64_t size = self.engine.outgoing.length
        try:
            if self.request is None:
                self.engine.access_log(self.info.remote, None, status, size, 0, 0, 0)
            else:
                self.engine.access_log(
                    self.info.remote, self.request, status, size, self.ready - self.began, self.started - self.ready, now - self.started)
        except Exception:
            log.exception("Error in the access log")

    cdef int drop(self, object response) except -1:
        """The peer is gone: nothing of the request is needed any more."""
        self.put_away(response)
        self.drop_spool()
        return self.release()

    cdef int put_away(self, object response) except -1:
        """A response that is not sent: it is closed where its body would have been iterated over."""
        if self.stream is not None:
            self.stream.start(None)
            self.stream = None
        else:
            self.forget_response(response, self.context)
        return 0

    def forget_response(self, response, context):
        """Close a response whose last byte is out, or which nobody waits for: `call_on_close` runs."""
        if isinstance(response, PlainResponse):
            return
        try:
            context.run(response.close)
        except BaseException:
            log.exception("Error while closing a response")

    def needs_thread(self, iterable):
        """Whether a lazy body has to be iterated over in a thread and does not wait in one already."""
        return self.stream is None and not hasattr(iterable, "__aiter__")

    cdef int begin_stream(self, object response) except -1:
        cdef Outgoing outgoing = self.engine.outgoing
        iterable = outgoing.iterable
        context = self.context
        self.phase = STREAMING
        self.stream_chunked = outgoing.chunked
        self.stream_left = outgoing.length
        outgoing.forget()
        if self.stream is not None:                       # its thread waits
            body = self.stream
            self.flush()
            body.start(iterable if self.fd >= 0 else None)
        elif hasattr(iterable, "__aiter__"):
            body = self.stream = AsyncBody(self, response)
            self.flush()                                  # if that fails, the body finds out at its first piece
            self.engine.reactor.call_in_loop(self.start_async_body, (body, iterable, context, self.plan.name))
        else:
            body = self.stream = ThreadBody(self, response)
            self.flush()
            body.start(iterable if self.fd >= 0 else None)
            self.engine.executor.start_stream(body, context)
        return 0

    def start_async_body(self, started):
        """In the loop's thread.  The body may be at its end when this returns: then `stream` is None."""
        cdef Reactor reactor = self.engine.reactor
        body, iterable, context, name = started
        reactor.enter_loop()
        reactor.begin_call(STEP, self)
        try:
            body.task = self.engine.starter.start(body.pump(iterable), context, name)
        finally:
            reactor.end_call()
        if not self.engine.starter.is_done:
            reactor.lease.tasks += 1
            body.task.add_done_callback(self.on_body_done)

    def on_body_done(self, _):
        """In the loop, not in a turn."""
        self.engine.reactor.lease.tasks -= 1

    cdef int finish(self) except -1:
        """An answer is complete: the next request, or the end."""
        if self.phase == CLOSED:
            return 0
        self.drop_spool()
        self.release()
        if not self.keep_alive:
            return self.end()
        self.phase = READING_HEAD
        if self.pending is None:
            self.set_deadline(self.engine.keep_alive)
        return 0

    cdef int release(self) except -1:
        """Let go of the present request."""
        cdef Scope scope
        if self.incoming is not None:
            self.end_incoming(GONE)
        self.request = None
        self.plan = None
        self.context = None
        if self.scope is not None:
            scope, self.scope = self.scope, None
            self.engine.contexts.take_back(scope)
        self.stream = None
        self.chunks = None
        return 0

    cdef int drop_spool(self) except -1:
        """Close the temporary file of a body that is not needed; never while a thread works with it."""
        if self.spool is not None:
            self.spool.close()
            self.spool = None
        return 0

    def hand_over_spool(self, response):
        """Let the body's file live as long as the response, whose lazy body may read it; not until the collector finds the request."""
        if isinstance(response, WerkzeugResponse):
            response.call_on_close(self.spool.close)
            self.spool = None

    cdef int refuse(self, int status, object message) except -1:
        """Answer a request that cannot be served, and end the connection.  What was read ahead is dropped."""
        cdef Engine engine = self.engine
        engine.refused += 1
        log.debug("Refused with %d: %s", status, message)
        # The request, if there is one, only tells HEAD and the version.
        engine.outgoing.take(plain_response(status, TEXT, f"{message}\n"), self.request, engine.output, False)
        if engine.outgoing.body is not None:
            self.send_body(engine.outgoing.body)
        engine.outgoing.forget()
        if engine.access_log is not None:
            self.note(status)
        self.keep_alive = False
        self.finish()
        return self.flush() if self.fd >= 0 else 0

    # ------------------------------------------------ lazy bodies, called by streams.py in the loop's thread

    def stream_write(self, bytes data not None):
        """Send a piece of a lazy body; False if no more is wanted."""
        cdef Output output = self.engine.output
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        cdef bint too_long = False
        if self.fd < 0:
            return False
        if self.stream_left >= 0:
            too_long = n > self.stream_left
            if too_long:
                log.error("%s: the body is longer than its Content-Length; what is beyond was dropped", self.plan.name)
                data = data[:self.stream_left]
                n = self.stream_left
            self.stream_left -= n
        if n == 0:
            return not too_long
        self.engine.reactor.touch()
        if self.stream_chunked and n <= COPY_LIMIT:
            write_chunk(output, <const unsigned char *>PyBytes_AS_STRING(data), n)
        elif self.stream_chunked:
            head = b"%x\r\n" % n
            output.write(<const unsigned char *>PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
            self.send_body(data)
            output.write(b"\r\n", 2)
        else:
            self.send_body(data)
        self.flush()
        return self.fd >= 0 and not too_long

    def stream_end(self):
        """The lazy body is complete."""
        if self.fd < 0:
            return
        if self.stream_left > 0:
            log.error("%s: the body ended %d bytes before its Content-Length", self.plan.name, self.stream_left)
            self.abort()
            return
        if self.stream_chunked:
            write_last_chunk(self.engine.output)
        self.engine.reactor.touch()
        self.flush()
        if self.fd >= 0:
            self.finish()
            if self.fd >= 0:
                self.engine.reactor.schedule(self)

    def stream_fail(self):
        """The lazy body broke off: the answer must not look whole."""
        if self.fd >= 0:
            self.engine.reactor.touch()
            self.abort()

    def post(self, function, argument):
        """As the reactor's."""
        return self.engine.reactor.post(function, argument)

    def call_in_loop(self, function, argument):
        """As the reactor's."""
        self.engine.reactor.call_in_loop(function, argument)

    @property
    def is_open(self):
        """Whether the peer can still be sent something."""
        return self.fd >= 0

    @property
    def wants_more(self):
        """Whether less waits to be sent than `limits.output`."""
        return self.pending_size <= self.engine.output_limit

    # ------------------------------------------------ output

    cdef int send_body(self, object body) except -1:
        """Put a body behind what the output holds: copied if it is small, else sent from where it is."""
        cdef Output output = self.engine.output
        cdef const unsigned char *p
        cdef Py_ssize_t n, sent, head = output.length
        view_of(body, &p, &n)
        if n <= COPY_LIMIT:
            output.write(p, n)
            if output.length > self.engine.output_limit:
                self.flush()
            return 0
        if self.is_deferred:
            self.engine.reactor.send_deferred()
        if self.fd < 0:
            return 0
        if self.pending is not None:
            self.flush()
            return self.hold(body, 0)
        self.engine.reactor._present_is_new = False
        sent = send2(self.fd, output.data, head, p, n)
        if sent < 0:
            if errno != EAGAIN and errno != EWOULDBLOCK:
                output.length = 0
                return self.abort()
            sent = 0
        output.length = 0
        if sent < head:
            self.hold(PyBytes_FromStringAndSize(<const char *>output.data, head), sent)
            sent = head
        if sent < head + n:
            self.hold(body, sent - head)
        return 0

    cdef int hold(self, object data, Py_ssize_t offset) except -1:
        """Keep output for when the kernel takes more."""
        cdef const unsigned char *p
        cdef Py_ssize_t n
        view_of(data, &p, &n)
        if self.pending is None:
            self.pending = []
            self.pending_offset = offset
            self.set_write_deadline()
            n -= offset
        self.pending.append(data)
        self.pending_size += n
        return 0

    cdef int flush(self) except -1:
        """Send what the engine's output holds; it is empty afterwards, whatever happens."""
        cdef Output output = self.engine.output
        cdef Py_ssize_t n = output.length
        if self.is_deferred:
            self.engine.reactor.send_deferred()           # what came before goes before
        if n == 0:
            return 0
        output.length = 0
        return self.send_now(output.data, n) if self.fd >= 0 else 0

    cdef int flush_with_batch(self) except -1:
        """Send what the engine's output holds, together with the other answers of the reactor's batch if it is small."""
        cdef Output output = self.engine.output
        if output.length and self.pending is None and not self.is_deferred and (
                self.engine.reactor.defer(self, output.data, output.length)):
            output.length = 0
            return 0
        return self.flush()

    cdef int send_now(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef Py_ssize_t sent
        if self.pending is not None:
            return self.hold(PyBytes_FromStringAndSize(<const char *>p, n), 0)
        self.engine.reactor._present_is_new = False
        sent = send(self.fd, p, n)
        if sent == n:
            return 0
        if sent < 0:
            if errno != EAGAIN and errno != EWOULDBLOCK:
                return self.abort()
            sent = 0
        return self.hold(PyBytes_FromStringAndSize(<const char *>p, n), sent)

    cdef int flush_pending(self) except -1:
        """The kernel takes more."""
        cdef const unsigned char *p
        cdef Py_ssize_t n, sent
        cdef Py_ssize_t index = 0
        cdef bint progress = False
        while index < len(self.pending):
            view_of(self.pending[index], &p, &n)
            sent = send(self.fd, p + self.pending_offset, n - self.pending_offset)
            if sent < 0:
                if errno != EAGAIN and errno != EWOULDBLOCK:
                    return self.abort()
                break
            progress = True
            self.pending_offset += sent
            self.pending_size -= sent
            if self.pending_offset < n:
                if sent == 0:
                    break
                continue
            self.pending_offset = 0
            index += 1
        del self.pending[:index]
        if self.pending:
            if progress:                                  # the deadline begins anew
                self.set_write_deadline()
        else:
            self.pending = None
            self.on_drained()
        if self.fd >= 0 and self.stream is not None and self.pending_size <= self.engine.output_limit:
            self.stream.resume()
        return 0

    cdef int on_drained(self) except -1:
        """Everything is out: go on with what waited for that."""
        cdef object closing = self.closing
        if closing is not None:
            self.closing = None
            self.forget_response(closing[0], closing[1])
        if self.ending:
            return self.end()
        if self.phase == READING_HEAD:
            self.set_deadline(self.engine.head if self.head_started else self.engine.keep_alive)
        elif self.takes_body():
            self.set_body_deadline()
        else:
            self.set_deadline(0)
        if self.is_reading() and (self.input != NULL or self.readable):
            self.engine.reactor.schedule(self)
        return 0

    # ------------------------------------------------ the end

    cdef int end(self) except -1:
        """Nothing more will be said.  Closing at once could destroy the answer, if the peer is still sending: so shut our side,
        read and drop a bounded amount, and close when the peer does (RFC 9112, section 9.6)."""
        self.flush()
        if self.fd < 0:
            return 0
        self.ending = True
        self.phase = LINGERING
        if self.pending is not None:
            return 0
        if shutdown(self.fd, SHUT_WR) < 0 or self.engine.lingering == 0:
            return self.close()
        self.set_deadline(self.engine.lingering)
        if self.peer_closed:
            self.readable = True                          # what is unread, up to its end
        if self.readable:
            self.engine.reactor.schedule(self)
        return 0

    cdef int abort(self) except -1:
        """Close so that the peer sees a failure: what it has of the answer must not look whole."""
        if self.fd >= 0:
            reset_on_close(self.fd)
        return self.close()

    cdef int close(self) except -1:
        """Release everything, now.  What still runs for this connection finishes and is dropped."""
        cdef Phase phase = self.phase
        if phase == CLOSED:
            return 0
        if self.is_deferred:
            self.engine.reactor.send_deferred()
            if self.phase == CLOSED:
                return 0
        self.phase = CLOSED
        self.engine.reactor.forget(self)
        c_close(self.fd)
        self.fd = -1
        if self.info.counted is not None:
            self.engine.discount(self.info.counted)
        self.engine.active -= 1
        if self.engine.open_now != NULL:
            self.engine.open_now[0] = self.engine.active
        self.engine.output.length = 0                     # of this connection, by the invariant
        self.engine.blocks.give(self.input)
        self.input = NULL
        self.pending = None
        self.pending_size = 0
        if self.incoming is not None:
            self.end_incoming(GONE)
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.cancel()
        done, self.done = self.done, None
        if done is not None:
            self.put_away(done)
        closing, self.closing = self.closing, None
        if closing is not None:
            self.forget_response(closing[0], closing[1])
        if phase == READING_BODY:                         # else a thread works with it, and it is closed after that
            self.drop_spool()
        if phase != RUNNING or done is not None:          # what still runs needs its request
            self.release()
        return 0

    def stop(self):
        """The server stops: close if idle, else let the present answer be the last."""
        try:
            self.keep_alive = False
            if self.phase == READING_HEAD and self.in_ready:
                return                                    # it goes on in this turn
            if self.phase == READING_HEAD and self.pending is None:
                self.readable = True
                self.receive()                            # a request that came before this is answered
            if self.phase == READING_HEAD and self.pending is not None:
                self.phase = LINGERING                    # until that is sent
                self.ending = True
            elif self.phase == READING_HEAD and not self.head_started:
                self.close()
        except BaseException:
            self.engine.reactor.report(self)

    def cut(self):
        """The time for stopping is over."""
        if self.task is not None:
            self.task.cancel()
        if self.pending is None and self.phase in (READING_HEAD, LINGERING):
            self.close()                                  # what was said is in the kernel, and whole
        else:
            self.abort()

    @property
    def is_idle(self):
        """Whether nothing runs for it, nothing waits to be sent, and nothing sent can be lost by closing."""
        return self.fd < 0 or (self.phase == READING_HEAD and self.pending is None and not self.in_ready)


def busy():
    """Too much runs already (RFC 9110, section 15.6.4)."""
    from kolben.http.response import Response
    return Response("The server is busy.\n", 503, {"Retry-After": "1"}, mimetype="text/plain")


cdef bint engine_closes_nothing(object response):
    """Whether Response.close() would have nothing to do: its own, and a body without close()."""
    return type(response.response) is list and type(response).close is plain_close


from werkzeug.wrappers import Response as WerkzeugResponse

cdef object plain_close = WerkzeugResponse.close

"""One connection's life: open · match · run · send · continue.

`serve` is the main road.  Before it, _incoming.pyx reads, and _body.pyx takes bodies; _running.pyx runs the plan, _waiting.pyx
sees to its deadline and to clients that leave, _answer.pyx sends what came of it, _output.pyx writes: one recv, one send for a small
request.  Nothing here waits.  A body that is not complete, a plan in a thread, output that the kernel does not take: each is a phase, and
an event, a timer or a posted result goes on from there.

Invariants: the engine's read buffer and output are empty when a step ends; one request at a time is in the handler, and nothing is
read meanwhile, so that pipelined requests wait in the kernel; nor is a request begun while output waits to be sent; the first bytes
of `input` are where the parser goes on.  What stopped before everything was read stands in the ready list, or waits for an event that
is sure to come: an answer, a spilled batch, drained output.
"""

import logging

cimport cython

from cpython.object cimport PyObject

from kolben.base._alive cimport CONNECTIONS, counts
from kolben.http._request cimport RequestBase
from kolben.net._poller cimport FAILED, PEER_CLOSED, READABLE, WRITABLE
from kolben.server._answer cimport GONE
from kolben.server._body cimport (
    CLOSED, LINGERING, OPEN, Phase, READING_BODY, READING_HEAD, RUN, RUNNING, STREAMING, Step,
)
from kolben.server._engine cimport Engine
from kolben.server._facts cimport ConnectionFacts
from kolben.server._lease cimport microseconds
from kolben.server._running cimport LATER, Runner
from kolben.net._socket cimport SHUT_WR, c_close, shutdown, unsent

cdef extern from "Python.h":
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()
cdef object log = logging.getLogger("kolben.server")


@cython.no_gc_clear       # its timer, and its block, are given back to objects that it refers to
cdef class Connection(Runner):

    def __cinit__(self):
        counts[CONNECTIONS] += 1

    def __init__(self, Engine engine not None):
        self.engine = engine

    def __dealloc__(self):
        counts[CONNECTIONS] -= 1
        if self.fd >= 0:
            c_close(self.fd)

    # ------------------------------------------------ the main road

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

    cdef int serve(self, Step step, const unsigned char *p, object response) except -1:
        """One request.  A step that has to wait ends this, and whoever brings what it waited for calls again, for the step after it."""
        if step == OPEN:
            self.open_request(p)
            if not self.match(p):
                return 0                                  # its body comes first; or it was refused
        if step <= RUN:
            response = self.run()
            if response is LATER:
                return 0                                  # a thread or a task brings it
        if not self.answer(response):
            return 0                                      # a lazy body goes out piece by piece
        return self.finish()

    cdef int open_request(self, const unsigned char *p) except -1:
        cdef Engine engine = self.engine
        cdef RequestBase request = self.make_request(p)
        self.served += 1
        engine.requests += 1
        if engine.access_log is not None:
            self.began = self.ready = self.started = microseconds()
        self.keep_alive = request.span.keep_alive and not engine.draining and not (
            engine.request_limit and self.served >= engine.request_limit and not self.follows)
        return 0

    cdef bint match(self, const unsigned char *p) except -1:
        """Find the plan, and see to the body that it needs; return whether it may run already."""
        cdef Engine engine = self.engine
        cdef RequestBase request = self.request
        cdef bint fails = False
        try:
            self.plan = engine.handler.match(request)
            if type(request) is not engine.handler.request_class:     # the handler has noticed just now that it was exchanged
                request = self.make_request(p)
                self.plan = engine.handler.match(request)
        except BaseException:                             # a fault of the handler: it promised not to raise
            log.exception("Error in %r.match()", engine.handler)
            self.refuse(500, "Internal Server Error")
            fails = True
        if fails:
            return False
        if request.span.content_length > 0 or request.span.chunked:
            return self.begin_body()
        if self.plan.streams_body:
            self.begin_incoming()
            self.end_incoming(None)
        return True

    cdef RequestBase make_request(self, const unsigned char *p):
        """Make the present request of the head that was parsed; its class's constructor is not called."""
        cdef object request_class = self.engine.handler.request_class
        cdef RequestBase request = self.engine.spent_request
        if request is not None and type(request) is request_class:
            self.engine.spent_request = None
        elif request_class is None:                       # it has no slots
            raise TypeError(f"{self.engine.handler!r}: request_class: expected a class, got None")
        else:
            request = (<TypeSlots *>request_class).tp_new(<TypeSlots *>request_class, NO_ARGS, NULL)
        request.fill(p, &self.engine.parser.head, self.info)
        self.request = request
        return request

    # ------------------------------------------------ events

    cdef int on_event(self, int flags) except -1:
        cdef bint has_left = False
        if flags & (PEER_CLOSED | FAILED):
            has_left = (self.phase == RUNNING or self.phase == STREAMING) and self.has_left(flags & FAILED)
            self.peer_closed = True
        if has_left:
            return self.leave_alone()
        if flags & (READABLE | PEER_CLOSED | FAILED):
            self.readable = True
        if self.pending is not None and flags & (WRITABLE | FAILED):
            self.flush_pending()
        if self.readable and self.fd >= 0:
            self.receive()
        return 0

    cdef int on_ready(self) except -1:
        if self.done is not None:
            response, self.done = self.done, None
            self.bring(response)
        return self.advance()

    cdef int on_timer(self) except -1:
        """A deadline passed; which one, the phase tells."""
        if self.expires and self.engine.reactor.now >= self.expires:
            self.expire()
        elif self.pending is not None:
            if self.unsent - unsent(self.fd) > self.engine.body_rate * self.engine.write / 1000:
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

    cdef int on_error(self) except -1:
        self.engine.output.length = 0
        return self.abort()

    cdef int on_drained(self) except -1:
        """Everything is out: go on with what waited for that."""
        cdef object closing = self.closing
        if closing is not None:
            self.closing = None
            self.forget_response(closing[0], closing[1])
        if self.noted is not None and self.phase != STREAMING:
            self.tell(True)
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
        self.info.is_gone = True
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
        if self.noted is not None:
            self.tell(False)
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
        if self.task is not None:
            self.leave_task()
        if phase == READING_BODY:                         # else a thread works with it, and it is closed after that
            self.drop_spool()
        if (phase != RUNNING or done is not None) and not self.abandoned:     # what still runs needs its request
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
            self.cancel_task()
        if self.pending is None and self.phase in (READING_HEAD, LINGERING):
            self.close()                                  # what was said is in the kernel, and whole
        else:
            self.abort()

    @property
    def is_idle(self):
        """Whether nothing runs for it, nothing waits to be sent, and nothing sent can be lost by closing."""
        return self.fd < 0 or (self.phase == READING_HEAD and self.pending is None and not self.in_ready)

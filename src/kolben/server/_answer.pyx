"""One answer on its way: whole, lazy, or a refusal; and what is let go of when it is out."""

import logging

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from kolben.base._spent cimport references
from kolben.http._outgoing cimport Outgoing
from kolben.http._request cimport RequestBase
from kolben.http._response cimport PlainResponse, WholeResponse, plain_response
from kolben.http._scope cimport Scope
from kolben.server._body cimport CLOSED, READING_HEAD, STREAMING
from kolben.server._engine cimport Engine
from kolben.server._incoming cimport Receiver
from kolben.server._lease cimport STEP, microseconds
from kolben.server._output cimport COPY_LIMIT
from kolben.server._reactor cimport Reactor
from kolben.wire._writer cimport Output, write_chunk, write_last_chunk

from werkzeug import exceptions
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.server.streams import AsyncBody, ThreadBody

cdef object log = logging.getLogger("kolben.server")
cdef bytes TEXT = b"text/plain; charset=utf-8"
cdef object GONE = exceptions.ClientDisconnected          # the class: a connection may end because there is no memory
cdef object plain_close = WerkzeugResponse.close


cdef object busy_response = None      # made once: nothing about it is changed by sending it

cdef object busy():
    """Too much runs already (RFC 9110, section 15.6.4)."""
    global busy_response
    if busy_response is None:
        from kolben.http.response import Response
        busy_response = Response("The server is busy.\n", 503, {"Retry-After": "1"}, mimetype="text/plain")
    return busy_response


cdef bint closes_something(object response) except -1:
    """Whether close() would have anything to do: what was asked for, a subclass's own, or a body's close()."""
    if type(response) is WholeResponse:
        return (<WholeResponse>response).closer is not None
    return response._on_close or type(response.response) is not list or type(response).close is not plain_close


@cython.no_gc_clear       # as what it is made of, and what is made of it
cdef class Answerer(Receiver):

    cdef int end(self) except -1:
        return 0

    # ------------------------------------------------ whole

    cdef bint answer(self, object response) except -1:
        """Send a response: the head, and the body or what leads to it; return whether it is complete, so that `finish` is next."""
        cdef Engine engine = self.engine
        cdef Outgoing outgoing = engine.outgoing
        cdef Py_ssize_t start = engine.output.length
        if self.fd < 0:                                   # the peer is gone
            self.drop(response)
            return False
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
            self.begin_stream(response)
            return False
        if self.stream is not None:
            self.stream.start(None)                       # HEAD, 204, 304: nothing to iterate over; it closes the response
            self.stream = None
            outgoing.response = None
        if outgoing.body is not None:
            self.send_body(outgoing.body)
        if outgoing.response is not None and closes_something(outgoing.response):
            self.flush()
            if self.pending is None:
                self.forget_response(outgoing.response, self.context)
            else:
                self.closing = (outgoing.response, self.context)
        outgoing.forget()
        return True

    cdef int note(self, int status) except -1:
        """Remember what the access log is to be told of an answer: it is told when the answer is out."""
        cdef int64_t now = microseconds()
        cdef int64_t size = self.engine.outgoing.length
        self.answered, self.written = now, 0
        if self.request is None:
            self.noted = (None, status, size, 0, 0, 0)
        else:
            self.noted = (self.request, status, size, self.ready - self.began, self.started - self.ready, now - self.started)
        return 0

    cdef int tell(self, bint whole) except -1:
        """Give one answer to the access log; an error of the log's is not the request's."""
        request, status, size, body, queue, run = self.noted
        self.noted = None
        if size < 0 or not whole:
            size = self.written if size < 0 else -1
        try:
            self.engine.access_log(self.info.remote, request, status, size, body, queue, run, microseconds() - self.answered, whole)
        except Exception:
            log.exception("Error in the access log")
        return 0

    cdef int refuse(self, int status, object message) except -1:
        """Answer a request that cannot be served, and end the connection.  What was read ahead is dropped."""
        cdef Engine engine = self.engine
        engine.refused += 1
        log.debug("Refused with %d: %s", status, message)
        self.say_last(plain_response(status, TEXT, f"{message}\n"))
        self.drop_spool()
        return self.release()

    cdef int say_last(self, PlainResponse response) except -1:
        """Send an answer of ours, and end the connection."""
        cdef Engine engine = self.engine
        # The request, if there is one, only tells HEAD and the version.
        engine.outgoing.take(response, self.request, engine.output, False)
        if engine.outgoing.body is not None:
            self.send_body(engine.outgoing.body)
        engine.outgoing.forget()
        if engine.access_log is not None:
            self.note(response.status)
        self.keep_alive = False
        return self.end() if self.fd >= 0 else 0

    cdef int finish(self) except -1:
        """An answer is complete: the next request, or the end."""
        if self.phase == CLOSED:
            return 0
        if self.noted is not None and self.pending is None:
            self.tell(True)
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
        cdef RequestBase request
        if self.incoming is not None:
            self.end_incoming(GONE)
        request, self.request = self.request, None
        self.plan = None
        self.context = None
        if self.scope is not None:
            scope, self.scope = self.scope, None
            self.engine.contexts.take_back(scope)
        if request is not None and references(<PyObject *>request) == 1 and request.renew():
            self.engine.spent_request = request
        self.stream = None
        self.chunks = self.whole = None
        return 0

    # ------------------------------------------------ lazy

    def needs_thread(self, iterable):
        """Whether a lazy body has to be iterated over in a thread and does not wait in one already."""
        return self.stream is None and not hasattr(iterable, "__aiter__")

    cdef int begin_stream(self, object response) except -1:
        cdef Outgoing outgoing = self.engine.outgoing
        iterable = outgoing.iterable
        context = self.context
        self.phase = STREAMING
        self.since = self.engine.reactor.now
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
            body.task.add_done_callback(self.on_body_done)
            reactor.lease.tasks += 1

    def on_body_done(self, _):
        """In the loop, not in a turn."""
        self.engine.reactor.lease.tasks -= 1

    # ------------------------------------------------ called by streams.py in the loop's thread

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
        self.written += n
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

    # ------------------------------------------------ what is not needed any more

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

    def hand_over_spool(self, response):
        """Let the body's file live as long as the response, whose lazy body may read it; not until the collector finds the request."""
        if isinstance(response, WerkzeugResponse):
            response.call_on_close(self.spool.close)
            self.spool = None

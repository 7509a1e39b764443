"""Awaited streams: the calls that take bytes from one peer and send it bytes, over TCP, Unix sockets and TLS.

A receive tries the socket first and waits only if nothing is there; a send writes at once and keeps only what the kernel does not
take, so most calls never wait.  Refuses to know protocols, names and how connections come about.

Every call is an Operation (_endpoint): it takes bytes only in the step that gives them to its task, so one that is cancelled or late
loses none.
"""

from cpython.bytearray cimport PyByteArray_GET_SIZE
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcpy

from kolben.base._spent cimport references
from kolben.base.errors import LimitExceeded
from kolben.net import errors
from kolben.net._endpoint cimport DONE, NEVER, NOT_YET, Operation, READING, WAIT, WRITING, os_error
from kolben.net._endpoint import prepare
from kolben.net.bytelike import view_of
from kolben.net._flow cimport Flow, LINGER
from kolben.net._hub cimport SCRATCH
from kolben.net._socket cimport ECONNABORTED, kept_error, reset_on_close

cdef enum:
    LINE_LIMIT = 65536        # bytes of a line; asyncio's


cdef class Stream(Flow):

    def __cinit__(self, *args, **kwargs):
        self.line_limit = LINE_LIMIT

    def __init__(self, sock, *, peer_address=None, connecting=False):
        self._is_connecting = connecting
        self._peer_address = peer_address
        self.take(sock)
        self.writable = not connecting

    # ------------------------------------------------ receiving

    def recv(self, Py_ssize_t max_bytes=SCRATCH, *, timeout=None):
        """Receive what is there, 1 to `max_bytes` bytes; b"" at the end: the peer sends no more."""
        cdef Recv operation
        if max_bytes < 1:
            raise ValueError(f"max_bytes: expected 1 or more, got {max_bytes}")
        if self.spent is not None and references(<PyObject *>self.spent) == 1:
            operation, self.spent = <Recv>self.spent, None
            operation.renew()
        else:
            operation = Recv.__new__(Recv)
        operation.endpoint = self
        operation.room = min(max_bytes, SCRATCH)
        if timeout is not None or self.timeout is not None:
            operation.timeout = self.timeout_of(timeout)
        return operation

    def recv_into(self, buffer, *, timeout=None):
        """Receive into a writable buffer; return how many bytes, 0 at the end."""
        return RecvInto(self, buffer, self.timeout_of(timeout))

    def recv_exactly(self, Py_ssize_t n, *, timeout=None):
        """Receive n bytes, neither more nor fewer."""
        if n < 0:
            raise ValueError(f"n: expected 0 or more bytes, got {n}")
        return RecvExactly(self, n, self.timeout_of(timeout))

    def recv_until(self, separator, Py_ssize_t max_bytes=LINE_LIMIT, *, timeout=None):
        """Receive up to and with the separator."""
        return RecvUntil(self, bytes(view_of(separator)), max_bytes, self.timeout_of(timeout))

    def __aiter__(self):
        return self

    def __anext__(self):
        """The next line, with its end; the last one may have none."""
        return RecvLine(self, b"\n", self.line_limit, self.timeout_of(None))

    # ------------------------------------------------ sending

    def send(self, data, *, timeout=None):
        """Send all of it.

        Takes the bytes at once, and keeps what the system does not take yet; in a round of the loop that has something for eight sockets
        or more, up to 16 KiB of each go out at its end.  To be awaited, that it waits while more than `high_water` bytes are kept, until
        `low_water`; who cancels the wait does not take the bytes back.
        """
        cdef Drain operation
        self.ensure_sending()
        if self._tls is not None and not self._tls.is_ready:
            return TLSSend(self, data, self.timeout_of(timeout))
        self.put(data)
        if self.queued <= self.high_water:
            return DONE
        operation = Drain.__new__(Drain)
        operation.endpoint = self
        operation.direction = WRITING
        operation.level = self.low_water
        operation.timeout = self.timeout_of(timeout)
        return operation

    # ------------------------------------------------ ending

    def send_eof(self):
        """Send no more; the peer receives b"" after what was sent.  Receiving goes on.  May be awaited until all is sent."""
        if self._is_shut or self.fd < 0 or self._is_closing:
            return DONE
        if self._failure:
            raise os_error(self._failure, self)
        if self._tls is not None:
            self._tls.finish()
            self.flush_tls()
        self.uncork()
        self._is_shut = True
        if self.queued:
            return self.drained()
        self.finish_output()
        return DONE

    def close(self):
        """Close, after what was sent has gone out, for which it has 30 s.  Once is enough, more is fine.

        Has begun when it returns; may be awaited until it is over.
        """
        if self.fd < 0:
            return DONE
        if not self._is_closing:
            self._is_closing = True
            self.wake_reader(False)
            if self._tls is not None and not self._is_shut and not self._failure:
                try:
                    self._tls.finish()
                    self.flush_tls()
                except OSError:
                    pass                      # a peer that is gone need not be told
            self.uncork()
            if not self.queued:
                self.release()
                return DONE
            self.hub.read_clock()
            self._left = self.queued
            self.hub.set_timer(&self.write_timer, self.hub.now + LINGER)
        return self.drained()

    def abort(self):
        """Close at once, and let the peer know that it is not the end: a reset.  What is not sent is lost."""
        if self.fd >= 0:
            self.uncork()
            reset_on_close(self.fd)
            if self.queued:
                self._failure = ECONNABORTED
            self.release()

    def detach(self):
        """Give the descriptor away, which must have nothing to send: the stream counts as closed."""
        self.ensure_open()
        self.uncork()
        if self.queued or self._input is not None or self._tls is not None:
            raise RuntimeError(f"{self!r}: it holds bytes that would be lost")
        fd = self.fd
        self.hub.forget(self)
        self.fd = -1
        self.wake_reader(False)
        self.wake_writers(False)
        return fd

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        if kind is None:
            await self.close()
        else:
            self.close()

    def drained(self):
        cdef Drain operation = Drain.__new__(Drain)
        self.uncork()
        operation.endpoint = self
        operation.direction = WRITING
        operation.timeout = NEVER
        return operation

    def handshake(self, *, timeout=None):
        """To be awaited: returns when the TLS handshake is done."""
        return Handshake(self, self.timeout_of(timeout))

    def connected(self, timeout=None):
        """To be awaited after a connect that was begun: returns when it is done."""
        return Connected(self, self.timeout_of(timeout))


# --- operations --------------------------------------------------------------------------------------------------------------


cdef class Recv(Operation):
    """PERF: a stream has the last one do its next receive, too, where nobody kept it (350 instructions a message); base/_spent.pxd."""
    cdef Py_ssize_t room
    cdef bytes prefetched             # received already, in the first phase of the hub's turn; None: nothing

    cdef int renew(self) except -1:
        """Be as one that was just made: it came to its end without an error, and waits on nothing."""
        self.timeout, self.due = NEVER, 0
        self.is_finished = self.has_begun = False
        return 0

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
        cdef object data
        if self.prefetched is not None and stream.fd >= 0 and not stream._is_closing:
            data, self.prefetched = self.prefetched, None
        elif stream._input is not None:
            data = stream.take_out(self.room)
        else:
            data = self.receive(stream)
            if data is WAIT:
                return WAIT
        self.endpoint, stream.spent = None, self
        return data

    cdef object receive(self, Stream stream):
        cdef unsigned char *scratch = stream.hub.scratch
        cdef Py_ssize_t n = stream.receive(scratch, self.room)
        return WAIT if n == NOT_YET else PyBytes_FromStringAndSize(<char *>scratch, n)

    cdef bint prefetch(self) except -1:
        cdef Stream stream = <Stream>self.endpoint
        if stream._tls is not None or self.prefetched is not None:
            return False
        try:
            data = self.receive(stream)
        except OSError:
            data = WAIT                       # the stream knows it from now on: attempt() raises it
        if data is WAIT:
            return False
        if self.due:
            stream.hub.timers.clear(&stream.read_timer)
        self.prefetched = <bytes>data
        return True

    cdef int stop_waiting(self) except -1:
        """What was received for it is the next one's."""
        if self.prefetched is not None:
            (<Stream>self.endpoint).take_back(self.prefetched)
            self.prefetched = None
        return Operation.stop_waiting(self)


cdef class RecvInto(Operation):
    cdef object buffer

    def __init__(self, Flow stream not None, buffer, timeout):
        self.endpoint, self.buffer, self.timeout = stream, buffer, timeout

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        cdef Py_buffer view
        cdef Py_ssize_t n
        PyObject_GetBuffer(self.buffer, &view, PyBUF_WRITABLE)
        try:
            if view.len == 0:
                raise ValueError("expected a buffer with room for 1 byte or more")
            if stream._input is not None:
                data = stream.take_out(view.len)
                n = len(data)
                memcpy(view.buf, PyBytes_AS_STRING(data), n)
            else:
                n = stream.receive(<unsigned char *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        return WAIT if n == NOT_YET else n


cdef class RecvExactly(Operation):
    cdef Py_ssize_t wanted

    def __init__(self, Flow stream not None, wanted, timeout):
        self.endpoint, self.wanted, self.timeout = stream, wanted, timeout

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        cdef Py_ssize_t have, n
        while True:
            have = 0 if stream._input is None else PyByteArray_GET_SIZE(stream._input)
            if have >= self.wanted:
                return stream.take_out(self.wanted) if have else b""
            n = stream.take_in(SCRATCH)
            if n == NOT_YET:
                return WAIT
            if n == 0:
                partial = stream.take_out(have) if have else b""
                raise errors.IncompleteReadError(
                    f"{stream!r}: expected {self.wanted} bytes, got {have} before the peer closed", partial, self.wanted
                )


cdef class RecvUntil(Operation):
    cdef bytes separator
    cdef Py_ssize_t limit
    cdef Py_ssize_t searched

    def __init__(self, Flow stream not None, bytes separator not None, limit, timeout):
        if not separator:
            raise ValueError("expected a separator of 1 byte or more, got none")
        self.endpoint, self.separator, self.limit, self.timeout = stream, separator, limit, timeout

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        cdef Py_ssize_t have, n, at, size = PyBytes_GET_SIZE(self.separator)
        while True:
            have = 0 if stream._input is None else PyByteArray_GET_SIZE(stream._input)
            if have:
                at = stream._input.find(self.separator, self.searched)
                if at >= 0 and at + size <= self.limit:
                    return stream.take_out(at + size)
                if at >= 0 or have >= self.limit:
                    raise LimitExceeded(f"{stream!r}: no {self.separator!r} within {self.limit} bytes", status=413)
                self.searched = max(have - size + 1, 0)
            n = stream.take_in(SCRATCH)
            if n == NOT_YET:
                return WAIT
            if n == 0:
                return self.at_end(stream.take_out(have) if have else b"")

    cdef object at_end(self, bytes partial):
        raise errors.IncompleteReadError(f"{self.endpoint!r}: expected {self.separator!r}, got the end of what the peer sends", partial)


cdef class RecvLine(RecvUntil):

    cdef object at_end(self, bytes partial):
        if not partial:
            raise StopAsyncIteration
        return partial


cdef class Drain(Operation):
    """Waits until no more than `level` bytes wait to be sent."""
    cdef Py_ssize_t level

    def __cinit__(self):
        self.has_begun = True

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        if stream._failure:
            raise os_error(stream._failure, stream)
        return WAIT if stream.queued > self.level else None


cdef class Handshake(Operation):
    """Waits until the TLS handshake is done, and does it meanwhile, unless another task is at it."""

    def __init__(self, Flow stream not None, timeout):
        self.endpoint, self.timeout = stream, timeout

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        while not stream.shake_hands():
            if stream.reader is not None and stream.reader is not self:
                self.direction = WRITING
                return WAIT
            self.direction = READING
            if stream.feed_tls() == NOT_YET:
                return WAIT
        return None


cdef class TLSSend(Handshake):
    """A send before the handshake is done."""
    cdef object data
    cdef bint is_sent

    def __init__(self, Flow stream not None, data, timeout):
        Handshake.__init__(self, stream, timeout)
        self.data = bytes(view_of(data))

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        if not self.is_sent:
            if Handshake.attempt(self) is WAIT:
                return WAIT
            stream.ensure_sending()
            stream.put(self.data)
            self.data, self.is_sent, self.direction = None, True, WRITING
        if stream._failure:
            raise os_error(stream._failure, stream)
        return WAIT if stream.queued > stream.low_water else None


cdef class Connected(Operation):

    def __init__(self, Flow stream not None, timeout):
        self.endpoint, self.timeout, self.direction = stream, timeout, WRITING

    cdef object attempt(self):
        cdef Flow stream = <Flow>self.endpoint
        cdef int code
        if stream._is_connecting:
            return WAIT
        code = kept_error(stream.fd) if stream.fd >= 0 else ECONNABORTED
        if code:
            raise OSError(code, "")
        return None


prepare(Recv, RecvInto, RecvExactly, RecvUntil, RecvLine, Drain, Handshake, TLSSend, Connected)

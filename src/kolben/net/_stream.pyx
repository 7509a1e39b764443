"""Awaited streams: bytes to and from one peer, over TCP, Unix sockets and TLS.

A receive tries the socket first and waits only if nothing is there; a send writes at once and keeps only what the kernel does not
take, so most calls never wait.  Refuses to know protocols, names and how connections come about.

Every call is an Operation (_endpoint): it takes bytes only in the step that gives them to its task, so one that is cancelled or late
loses none.
"""

import logging
from collections import deque

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy, memset

from kolben.base._alive cimport STREAMS, counts
from kolben.base.errors import LimitExceeded
from kolben.net import errors
from kolben.net._endpoint cimport DONE, Endpoint, NEVER, NOT_YET, Operation, READING, WAIT, WRITING, os_error
from kolben.net._endpoint import prepare
from kolben.net._hub cimport SCRATCH
from kolben.net._socket cimport (
    EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, ETIMEDOUT, EWOULDBLOCK, SHUT_WR, accept_peer, errno, kept_error, recv,
    reset_on_close, send, shutdown, socket_address,
)
from kolben.net._timers cimport Timer
from kolben.net.sockaddr import stream_address

cdef enum:
    HIGH_WATER = 65536        # bytes of output above which a send waits; asyncio's
    LOW_WATER = 16384         # bytes down to which it then waits
    LINE_LIMIT = 65536        # bytes of a line; asyncio's
    REST = 500                # milliseconds without accepting after the system ran out of descriptors or memory
    LINGER = 30000            # milliseconds for which a closed stream tries to send what it still has


cdef object log = logging.getLogger("kolben.net")


cdef bytes socket_name(int fd, bint of_peer):
    """The socket address of one end, as the kernel writes it; b"" if there is none."""
    cdef unsigned char address[128]           # struct sockaddr_storage
    cdef int n = socket_address(fd, of_peer, address, sizeof(address))
    return PyBytes_FromStringAndSize(<char *>address, max(n, 0))


cdef class Stream(Endpoint):

    def __cinit__(self, *args, **kwargs):
        self.high_water = HIGH_WATER
        self.low_water = LOW_WATER
        self.line_limit = LINE_LIMIT
        counts[STREAMS] += 1

    def __dealloc__(self):
        counts[STREAMS] -= 1

    def __init__(self, sock, *, peer_address=None, connecting=False):
        sock.setblocking(False)
        self._is_connecting = connecting
        self._peer_address = peer_address
        try:
            self.open(sock.fileno())
        except BaseException:
            sock.close()
            raise
        sock.detach()
        self.writable = not connecting

    # ------------------------------------------------ receiving

    cdef Py_ssize_t receive(self, unsigned char *into, Py_ssize_t room) except -1:
        cdef Py_ssize_t n
        if self._at_end and self.fd >= 0:
            return 0
        n = self.receive_raw(into, room) if self._tls is None else self.receive_tls(into, room)
        if n == 0:
            self._at_end = True
        return n

    cdef Py_ssize_t receive_raw(self, unsigned char *into, Py_ssize_t room) except -1:
        cdef Py_ssize_t n
        if self.fd < 0 or self._is_closing:
            self.ensure_open()
            raise errors.ClosedError(f"{self!r}: it is used after it was closed")
        if not self.readable or not self.may_go_on():
            return NOT_YET
        n = recv(self.fd, into, room)
        if n < room and not self.ended:
            self.readable = False         # drained: an edge tells of more
        if n < 0:
            if errno in (EAGAIN, EWOULDBLOCK):
                self.readable = False
                return NOT_YET
            raise os_error(errno, self)
        return n

    cdef Py_ssize_t receive_tls(self, unsigned char *into, Py_ssize_t room) except -1:
        """What the layer has read out of the bytes that came; handshakes and the like are its own business."""
        cdef Py_ssize_t n
        while True:
            data = self._tls.read(room) if self.shake_hands() else None
            self.flush_tls()                  # an alert, an answer to a new key
            if data is not None:
                memcpy(into, PyBytes_AS_STRING(data), len(data))
                return len(data)
            n = self.feed_tls()
            if n == NOT_YET:
                return NOT_YET

    cdef Py_ssize_t feed_tls(self) except -1:
        """Give the layer what came; how many bytes, 0 at the end, or NOT_YET."""
        cdef unsigned char *scratch = self.hub.scratch
        cdef Py_ssize_t n = self.receive_raw(scratch, SCRATCH)
        if n != NOT_YET:
            self._tls.receive_data(PyBytes_FromStringAndSize(<char *>scratch, n))
        return n

    cdef bint shake_hands(self) except -1:
        """Whether the handshake is done; else go on with it."""
        if self._tls.is_ready:
            return True
        try:
            ready = self._tls.shake_hands()
        finally:
            self.flush_tls()
        if ready and self.writers:
            self.wake_writers(False)          # who wanted to send before
        return ready

    cdef Py_ssize_t take_in(self, Py_ssize_t room) except -1:
        """Receive into the input; how many bytes, 0 at the end, or NOT_YET."""
        cdef unsigned char *scratch = self.hub.scratch
        cdef Py_ssize_t n = self.receive(scratch, min(room, SCRATCH)), had
        if n > 0:
            if self._input is None:
                self._input = bytearray()
            had = PyByteArray_GET_SIZE(self._input)
            PyByteArray_Resize(self._input, had + n)
            memcpy(PyByteArray_AS_STRING(self._input) + had, scratch, n)
        return n

    cdef bytes take_out(self, Py_ssize_t n):
        cdef bytes data
        if n >= PyByteArray_GET_SIZE(self._input):
            data = bytes(self._input)
            self._input = None            # an idle stream holds no memory
        else:
            data = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(self._input), n)
            del self._input[:n]
        return data

    def recv(self, Py_ssize_t max_bytes=SCRATCH, *, timeout=None):
        """Receive what is there, 1 to `max_bytes` bytes; b"" at the end: the peer sends no more."""
        cdef Recv operation = Recv.__new__(Recv)
        if max_bytes < 1:
            raise ValueError(f"max_bytes: expected 1 or more, got {max_bytes}")
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
        return RecvUntil(self, bytes(separator), max_bytes, self.timeout_of(timeout))

    def __aiter__(self):
        return self

    def __anext__(self):
        """The next line, with its end; the last one may have none."""
        return RecvLine(self, b"\n", self.line_limit, self.timeout_of(None))

    # ------------------------------------------------ sending

    cdef int ensure_sending(self) except -1:
        if self.fd < 0 or self._is_closing or self._is_shut:
            raise errors.ClosedError(f"{self!r}: nothing can be sent after close() or send_eof()")
        if self._failure:
            raise os_error(self._failure, self)
        return 0

    def send(self, data, *, timeout=None):
        """Send all of it.

        Takes the bytes at once, and keeps what the system does not take yet.  To be awaited, that it waits while more than
        `high_water` bytes are kept, until `low_water`; who cancels the wait does not take the bytes back.
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

    cdef int put(self, object data) except -1:
        if self._tls is None:
            return self.put_raw(data)
        self._tls.write(data)
        return self.flush_tls()

    cdef int put_raw(self, object data) except -1:
        """Into the socket, and what it does not take into the output: bytes by reference, anything else as a copy."""
        cdef Py_buffer view
        cdef Py_ssize_t sent = 0, size
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            size = view.len
            if size and not self.queued and self.writable:
                sent = send(self.fd, view.buf, size)
                if sent < 0:
                    if errno not in (EAGAIN, EWOULDBLOCK):
                        self._failure = errno
                        raise os_error(errno, self)
                    sent = 0
                if sent < size:
                    self.writable = False
            if sent < size:
                if not PyBytes_CheckExact(data):
                    data = PyBytes_FromStringAndSize(<char *>view.buf + sent, size - sent)
                    size, sent = size - sent, 0
                if self._output is None:
                    self._output = deque()
                if not self.queued:
                    self._sent = sent
                    self.hold()           # until it is sent
                self._output.append(data)
                self.queued += size - sent
        finally:
            PyBuffer_Release(&view)
        return 0

    cdef int flush(self) except -1:
        """Send of the output what the system takes."""
        cdef bytes first
        cdef Py_ssize_t n
        while self.queued and self.writable:
            first = self._output[0]
            n = send(self.fd, PyBytes_AS_STRING(first) + self._sent, PyBytes_GET_SIZE(first) - self._sent)
            if n < 0:
                if errno not in (EAGAIN, EWOULDBLOCK):
                    return self.fail(errno)
                n = 0
            self._sent += n
            self.queued -= n
            if self._sent < PyBytes_GET_SIZE(first):
                self.writable = False     # an edge tells when there is room again
            else:
                self._output.popleft()
                self._sent = 0
        if not self.queued:
            self.let_go()
            self.finish_output()
        return 0

    cdef int fail(self, int code) except -1:
        """The output cannot be sent: whoever waits for it learns why, or whoever sends next."""
        self._failure = code
        self._output.clear()
        self.queued = self._sent = 0
        self.let_go()
        if self._is_closing:
            self.release()
        return 0

    cdef int finish_output(self) except -1:
        """Everything is sent: do what was to come after."""
        if self._is_closing:
            self.release()
        elif self._is_shut:
            shutdown(self.fd, SHUT_WR)
        return 0

    cdef int flush_tls(self) except -1:
        if self._tls.has_output and not self._failure:
            self.put_raw(self._tls.data_to_send())
        return 0

    cdef int on_writable(self) except -1:
        if self._is_connecting:
            self._is_connecting = False
            return self.wake_writers(True)
        if self.queued:
            self.flush()
        if self.queued <= self.low_water and self.writers:
            self.wake_writers(True)
        return 0

    cdef int on_loop_end(self) except -1:
        if self.queued:
            self._output.clear()
            self.queued = 0
        Endpoint.on_loop_end(self)
        if self._is_closing:
            self.release()
        return 0

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
            reset_on_close(self.fd)
            if self.queued:
                self._failure = ECONNABORTED
            self.release()

    def detach(self):
        """Give the descriptor away, which must have nothing to send: the stream counts as closed."""
        self.ensure_open()
        if self.queued or self._input is not None or self._tls is not None:
            raise RuntimeError(f"{self!r}: it holds bytes that would be lost")
        fd = self.fd
        self.hub.forget(self)
        self.fd = -1
        self.wake_reader(False)
        self.wake_writers(False)
        return fd

    cdef int release(self) except -1:
        if self.fd >= 0:
            self._peer_address = self.peer_address
            if self.queued:
                self._output.clear()
                self.queued = 0
                self.let_go()
        self._tls = None
        return Endpoint.release(self)

    cdef int on_time(self, Timer *timer) except -1:
        if timer == &self.read_timer or not self._is_closing:
            return Endpoint.on_time(self, timer)
        if self.queued < self._left:          # there was some progress
            self._left = self.queued
            return self.hub.set_timer(&self.write_timer, self.hub.now + LINGER)
        self.fail(ETIMEDOUT)
        return self.wake_writers(True)

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        if kind is None:
            await self.close()
        else:
            self.close()

    def drained(self):
        cdef Drain operation = Drain.__new__(Drain)
        operation.endpoint = self
        operation.direction = WRITING
        operation.timeout = NEVER
        return operation

    @property
    def is_closed(self):
        """Whether close() was called."""
        return self.fd < 0 or self._is_closing

    # ------------------------------------------------ who

    @property
    def peer_address(self):
        """The other end."""
        if self._peer_address is None:
            self._peer_address = stream_address(socket_name(self.fd, True) if self._peer is None else self._peer)
        return self._peer_address

    @property
    def local_address(self):
        """This end."""
        if self._local_address is None:
            self.ensure_open()
            self._local_address = stream_address(socket_name(self.fd, False))
        return self._local_address

    def __repr__(self):
        return f"<Stream {self.peer_address}{' closed' if self.is_closed else ''}>"

    cdef object describe(self, Operation operation):
        if self._is_connecting:
            return f"cannot connect to {self.peer_address}: it did not answer"
        if operation.direction == READING:
            return f"{self!r}: the peer did not send"
        return f"{self!r}: the peer did not receive"

    def begin_tls(self, layer):
        """Speak TLS from here on; the handshake is part of the first call, or of handshake()."""
        if self._tls is not None:
            raise errors.TLSError(f"{self!r}: it speaks TLS already")
        if self._input is not None:
            raise errors.TLSError(
                f"{self!r}: {len(self._input)} bytes came in the open after the last call and before TLS: somebody may have put them in"
            )
        self._tls = layer

    def handshake(self, *, timeout=None):
        """To be awaited: returns when the TLS handshake is done."""
        return Handshake(self, self.timeout_of(timeout))

    @property
    def tls(self):
        """The TLS layer, or None."""
        return self._tls

    def connected(self, timeout=None):
        """To be awaited after a connect that was begun: returns when it is done."""
        return Connected(self, self.timeout_of(timeout))


# --- operations --------------------------------------------------------------------------------------------------------------


cdef class Recv(Operation):
    cdef Py_ssize_t room

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
        cdef unsigned char *scratch
        cdef Py_ssize_t n
        if stream._input is not None:
            return stream.take_out(self.room)
        scratch = stream.hub.scratch
        n = stream.receive(scratch, self.room)
        return WAIT if n == NOT_YET else PyBytes_FromStringAndSize(<char *>scratch, n)


cdef class RecvInto(Operation):
    cdef object buffer

    def __init__(self, Stream stream not None, buffer, timeout):
        self.endpoint, self.buffer, self.timeout = stream, buffer, timeout

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
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

    def __init__(self, Stream stream not None, wanted, timeout):
        self.endpoint, self.wanted, self.timeout = stream, wanted, timeout

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
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

    def __init__(self, Stream stream not None, bytes separator not None, limit, timeout):
        if not separator:
            raise ValueError("expected a separator of 1 byte or more, got none")
        self.endpoint, self.separator, self.limit, self.timeout = stream, separator, limit, timeout

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
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

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
        if stream._failure:
            raise os_error(stream._failure, stream)
        return WAIT if stream.queued > self.level else None


cdef class Handshake(Operation):
    """Waits until the TLS handshake is done, and does it meanwhile, unless another task is at it."""

    def __init__(self, Stream stream not None, timeout):
        self.endpoint, self.timeout = stream, timeout

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
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

    def __init__(self, Stream stream not None, data, timeout):
        Handshake.__init__(self, stream, timeout)
        self.data = bytes(data)

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
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

    def __init__(self, Stream stream not None, timeout):
        self.endpoint, self.timeout, self.direction = stream, timeout, WRITING

    cdef object attempt(self):
        cdef Stream stream = <Stream>self.endpoint
        cdef int code
        if stream._is_connecting:
            return WAIT
        code = kept_error(stream.fd) if stream.fd >= 0 else ECONNABORTED
        if code:
            raise OSError(code, "")
        return None


# --- listening ---------------------------------------------------------------------------------------------------------------


cdef class Acceptor(Endpoint):

    def __init__(self, sock, type kind not None, start=None):
        self._kind = kind
        self._start = start
        self.open(sock.fileno())

    def __dealloc__(self):
        self.fd = -1                      # borrowed

    def __del__(self):
        self.release()

    cdef int release(self) except -1:
        if self.fd >= 0:
            self.hub.forget(self)
            self.fd = -1
            self.wake_reader(False)
        return 0

    def accept(self, timeout=None):
        """The next connection, as a Stream."""
        return Accept(self, self.timeout_of(timeout))

    def close(self):
        """Accept no more.  The socket itself is closed by who owns it."""
        self.release()

    cdef object describe(self, Operation operation):
        return "nobody connected"

    cdef int rest(self) except -1:
        """Nothing can be accepted for want of descriptors or memory: wait for others to give some back, and do not spin."""
        log.warning("The system has no descriptor or memory left: nothing is accepted for %d ms", REST)
        self.readable = False
        self.hub.read_clock()
        return self.hub.set_timer(&self.write_timer, self.hub.now + REST)

    cdef int on_time(self, Timer *timer) except -1:
        if timer == &self.read_timer:
            return Endpoint.on_time(self, timer)
        self.readable = True
        return self.wake_reader(True)


cdef class Accept(Operation):

    def __init__(self, Acceptor acceptor not None, timeout):
        self.endpoint, self.timeout = acceptor, timeout

    cdef object attempt(self):
        cdef Acceptor acceptor = <Acceptor>self.endpoint
        cdef unsigned char address[128]       # struct sockaddr_storage
        cdef unsigned int length
        cdef Stream stream
        cdef int fd
        while True:
            acceptor.ensure_open()
            if not acceptor.readable or not acceptor.may_go_on():
                return WAIT
            length = sizeof(address)
            memset(address, 0, sizeof(address))
            fd = accept_peer(acceptor.fd, address, &length)
            if fd >= 0:
                break
            if errno in (EAGAIN, EWOULDBLOCK):
                acceptor.readable = False
            elif errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
                acceptor.rest()
            elif errno != ECONNABORTED:
                raise os_error(errno, acceptor)
        stream = acceptor._kind.__new__(acceptor._kind)
        stream._peer = PyBytes_FromStringAndSize(<char *>address, min(length, sizeof(address)))
        stream.open(fd)
        if acceptor._start is not None:
            stream._tls = acceptor._start(stream)
        stream.timeout = acceptor.timeout
        return stream


prepare(Recv, RecvInto, RecvExactly, RecvUntil, RecvLine, Drain, Handshake, TLSSend, Connected, Accept)

"""Bytes in and out of one connection, as far as the system takes and gives them at this moment; TLS in between, if it is spoken.

Nothing here waits: what the system does not take is kept, and goes when the poller says so; what it does not give is NOT_YET.
Refuses to know tasks, protocols, names and how connections come about.
"""

from collections import deque

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from kolben.base._alive cimport STREAMS, counts
from kolben.net import errors
from kolben.net._endpoint cimport Endpoint, NOT_YET, Operation, READING, os_error
from kolben.net._hub cimport SCRATCH
from kolben.net._socket cimport EAGAIN, ENOMEM, ETIMEDOUT, EWOULDBLOCK, SHUT_WR, errno, recv, send, shutdown, socket_address
from kolben.net._timers cimport Timer
from kolben.net.bytelike import no_bytes
from kolben.net.sockaddr import stream_address

cdef enum:
    HIGH_WATER = 65536        # bytes of output above which a send waits; asyncio's
    LOW_WATER = 16384         # bytes down to which it then waits
    CORKED = 16384            # bytes of a send that waits for the end of the turn, at most


cdef bytes socket_name(int fd, bint of_peer):
    """The socket address of one end, as the kernel writes it; b"" if there is none."""
    cdef unsigned char address[128]           # struct sockaddr_storage
    cdef int n = socket_address(fd, of_peer, address, sizeof(address))
    return PyBytes_FromStringAndSize(<char *>address, max(n, 0))


cdef class Flow(Endpoint):

    def __cinit__(self, *args, **kwargs):
        self.high_water = HIGH_WATER
        self.low_water = LOW_WATER
        counts[STREAMS] += 1

    def __dealloc__(self):
        counts[STREAMS] -= 1

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
        if self._receive_failure:
            raise os_error(self._receive_failure, self)
        if not self.readable or not self.may_go_on():
            return NOT_YET
        n = recv(self.fd, into, room)
        if n < room and not self.ended:
            self.readable = False         # drained: an edge tells of more
        if n < 0:
            if errno in (EAGAIN, EWOULDBLOCK):
                self.readable = False
                return NOT_YET
            self._receive_failure = errno
            raise os_error(self._receive_failure, self)
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

    cdef int take_back(self, bytes data) except -1:
        if data:
            self._input = bytearray(data) if self._input is None else bytearray(data) + self._input
        return 0

    # ------------------------------------------------ sending

    cdef int ensure_sending(self) except -1:
        if self.fd < 0 or self._is_closing or self._is_shut:
            raise errors.ClosedError(f"{self!r}: nothing can be sent after close() or send_eof()")
        if self._failure:
            raise os_error(self._failure, self)
        return 0

    cdef int put(self, object data) except -1:
        if self._tls is None:
            return self.put_raw(data)
        self._tls.write(data)
        return self.flush_tls()

    cdef int put_raw(self, object data) except -1:
        """Into the socket, and what it does not take into the output: bytes by reference, anything else as a copy."""
        cdef Py_buffer view
        if PyBytes_CheckExact(data):          # PERF: without a view of them
            return self.put_span(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), <bytes>data)
        try:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        except TypeError:
            raise no_bytes(data) from None
        try:
            return self.put_span(<const char *>view.buf, view.len, None)
        finally:
            PyBuffer_Release(&view)

    cdef int put_span(self, const char *first, Py_ssize_t size, bytes owner) except -1:
        """The same of a span of memory, which is `owner`'s, or to be copied.  In a turn with many events it waits for the others'."""
        if self._corked is not None:
            self.uncork()                     # bytes keep their order
        elif self.hub.is_corking and owner is not None and 0 < size <= CORKED and not self.queued and self.writable:
            self._corked = owner
            return self.hub.cork(self)
        return self.put_now(first, size, owner)

    cdef int put_now(self, const char *first, Py_ssize_t size, bytes owner) except -1:
        cdef Py_ssize_t sent = 0
        if not self.queued and self.writable and size:
            sent = send(self.fd, first, size)
            if sent == size:
                return 0
            if sent < 0:
                if errno not in (EAGAIN, EWOULDBLOCK):
                    self._failure = errno
                    raise os_error(errno, self)
                sent = 0
            self.writable = False
        return self.keep(first, size, sent, owner) if size else 0

    cdef int uncork(self) except -1:
        cdef bytes data = self._corked
        cdef Py_ssize_t size, sent
        if data is None:
            return 0
        self._corked = None
        size = PyBytes_GET_SIZE(data)
        sent = send(self.fd, PyBytes_AS_STRING(data), size)
        if sent < size:
            if sent < 0 and errno not in (EAGAIN, EWOULDBLOCK):
                self._failure = errno         # for the next call to raise
                return 0
            self.writable = False
            try:
                self.keep(PyBytes_AS_STRING(data), size, max(sent, 0), data)
            except MemoryError:
                self._failure = ENOMEM
        return 0

    cdef int keep(self, const char *first, Py_ssize_t size, Py_ssize_t sent, bytes owner) except -1:
        """Have what was not sent of a span wait in the output."""
        if owner is None:
            owner = PyBytes_FromStringAndSize(first + sent, size - sent)
            size, sent = size - sent, 0
        if self._output is None:
            self._output = deque()
        if not self.queued:
            self._sent = sent
            self.hold()                       # until it is sent
        self._output.append(owner)
        self.queued += size - sent
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

    cdef int release(self) except -1:
        self._corked = None
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

    @property
    def tls(self):
        """The TLS layer, or None."""
        return self._tls

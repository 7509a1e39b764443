"""Awaited datagrams: what comes in one piece, and what is sent so, over UDP and Unix sockets.

A peer's address is translated only when somebody asks for it, and the answer to the last one needs no translation.
Refuses to look up names.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from kolben.base._alive cimport STREAMS, counts
from kolben.net._endpoint cimport DONE, Endpoint, NOT_YET, Operation, READING, WAIT, WRITING, os_error
from kolben.net._endpoint import prepare
from kolben.net._hub cimport SCRATCH
from kolben.net._socket cimport EAGAIN, EWOULDBLOCK, errno, recv_from, send_to, socket_address
from kolben.net.bytelike import no_bytes
from kolben.net.sockaddr import datagram_address, pack

cdef enum:
    KNOWN = 1024              # addresses of peers that are kept


cdef class Addresses:

    def __cinit__(self):
        self._known = {}

    cdef object read(self, bytes raw):
        address = self._known.get(raw)
        if address is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            address = self._known[raw] = datagram_address(raw)
        self._last, self._last_raw = address, raw
        return address

    cdef bytes write(self, object address):
        if address is not self._last:
            self._last, self._last_raw = address, pack(address)
        return self._last_raw


cdef class Datagram:

    def __init__(self, data, address, truncated=False):
        self.data = data
        self._address = address
        self.truncated = truncated

    @property
    def address(self):
        """Who sent it."""
        if self._address is None:
            self._address = self._addresses.read(self._raw)
        return self._address

    def __iter__(self):
        return iter((self.data, self.address))

    def __repr__(self):
        return f"Datagram({self.data!r}, {self.address}{', truncated' if self.truncated else ''})"


cdef class DatagramSocket(Endpoint):

    def __cinit__(self, *args, **kwargs):
        self._addresses = Addresses()
        counts[STREAMS] += 1

    def __dealloc__(self):
        counts[STREAMS] -= 1

    def __init__(self, sock, *, peer_address=None, file=None):
        self.peer_address = peer_address
        self.take(sock)
        self.file = file

    # ------------------------------------------------ receiving

    cdef Datagram receive(self, Py_ssize_t room):
        """The next datagram; None if none is there."""
        cdef unsigned char address[128]       # struct sockaddr_storage
        cdef unsigned char *scratch
        cdef unsigned int length = sizeof(address)
        cdef int truncated = 0
        cdef Py_ssize_t n
        cdef Datagram datagram
        self.ensure_open()
        if not self.readable or not self.may_go_on():
            return None
        scratch = self.hub.scratch
        n = recv_from(self.fd, scratch, room, address, &length, &truncated)
        if n < 0:
            if errno in (EAGAIN, EWOULDBLOCK):
                self.readable = False
                return None
            raise os_error(errno, self)
        datagram = Datagram.__new__(Datagram)
        datagram.data = PyBytes_FromStringAndSize(<char *>scratch, n)
        datagram.truncated = truncated
        datagram._raw = PyBytes_FromStringAndSize(<char *>address, min(length, sizeof(address)))
        datagram._addresses = self._addresses
        if length == 0:
            datagram._address = self.peer_address
        return datagram

    def recv_from(self, Py_ssize_t max_bytes=SCRATCH, *, timeout=None):
        """Receive the next datagram: its data, who sent it, and whether it was longer than `max_bytes`."""
        cdef RecvFrom operation = RecvFrom.__new__(RecvFrom)
        if max_bytes < 1:
            raise ValueError(f"max_bytes: expected 1 or more, got {max_bytes}")
        operation.endpoint = self
        operation.room = min(max_bytes, SCRATCH)
        if timeout is not None or self.timeout is not None:
            operation.timeout = self.timeout_of(timeout)
        return operation

    def recv(self, Py_ssize_t max_bytes=SCRATCH, *, timeout=None):
        """Receive the data of the next datagram, for who knows its sender; b"" is one without data."""
        cdef RecvFrom operation = self.recv_from(max_bytes, timeout=timeout)
        operation.data_alone = True
        return operation

    def __aiter__(self):
        return self

    def __anext__(self):
        """The next datagram."""
        return self.recv_from()

    # ------------------------------------------------ sending

    cdef Py_ssize_t transmit(self, object data, bytes raw) except -1:
        cdef Py_buffer view
        cdef Py_ssize_t sent
        self.ensure_open()
        if not self.writable:
            return NOT_YET
        try:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        except TypeError:
            raise no_bytes(data) from None
        try:
            if raw is None:
                sent = send_to(self.fd, view.buf, view.len, NULL, 0)
            else:
                sent = send_to(self.fd, view.buf, view.len, PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw))
            if sent < 0:
                if errno not in (EAGAIN, EWOULDBLOCK):
                    raise os_error(errno, self)
                self.writable = False
                sent = NOT_YET
        finally:
            PyBuffer_Release(&view)
        return sent

    def send_to(self, data, address, *, timeout=None):
        """Send one datagram to an address, which has no name to look up.

        It goes at once if the system takes it; else it goes while it is awaited.
        """
        return self.begin(data, self._addresses.write(address), timeout)

    def send_back(self, data, Datagram datagram not None, *, timeout=None):
        """Send one datagram to who sent this one."""
        return self.begin(data, self.raw_of(datagram), timeout)

    cdef bytes raw_of(self, Datagram datagram):
        return datagram._raw if datagram._raw else self._addresses.write(datagram.address)

    def send(self, data, *, timeout=None):
        """Send one datagram to the peer that the socket is connected to."""
        return self.begin(data, None, timeout)

    cdef Operation begin(self, object data, bytes raw, object timeout):
        cdef SendTo operation
        if not self.writers and self.transmit(data, raw) != NOT_YET:
            return DONE
        operation = SendTo.__new__(SendTo)
        operation.endpoint = self
        operation.direction = WRITING
        operation.data = data
        operation.raw = raw
        operation.timeout = self.timeout_of(timeout)
        return operation

    # ------------------------------------------------ ending

    def close(self):
        """Close.  Once is enough, more is fine; may be awaited."""
        if self.fd >= 0:
            self.release()
            file, self.file = self.file, None
            if file is not None:
                file.remove()
        return DONE

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        self.close()

    @property
    def local_address(self):
        """This end."""
        cdef unsigned char address[128]
        cdef int n
        if self._local_address is None:
            self.ensure_open()
            n = socket_address(self.fd, False, address, sizeof(address))
            self._local_address = datagram_address(PyBytes_FromStringAndSize(<char *>address, max(n, 0)))
        return self._local_address

    def __repr__(self):
        if self.fd < 0:
            return "<DatagramSocket closed>"
        return f"<DatagramSocket {self.local_address}{'' if self.peer_address is None else f' to {self.peer_address}'}>"

    cdef object describe(self, Operation operation):
        return f"{self!r}: {'nothing came' if operation.direction == READING else 'the system took nothing'}"


cdef class RecvFrom(Operation):
    cdef Py_ssize_t room
    cdef bint data_alone

    cdef object attempt(self):
        cdef Datagram datagram = (<DatagramSocket>self.endpoint).receive(self.room)
        if datagram is None:
            return WAIT
        return datagram.data if self.data_alone else datagram


cdef class SendTo(Operation):
    cdef object data
    cdef bytes raw

    cdef object attempt(self):
        return WAIT if (<DatagramSocket>self.endpoint).transmit(self.data, self.raw) == NOT_YET else None


prepare(RecvFrom, SendTo)

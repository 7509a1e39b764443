"""Listening sockets that a task waits on: each connection comes as a stream.

Refuses to know how the socket came to listen, and who owns it.
"""

import logging

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memset

from kolben.net._endpoint cimport Endpoint, Operation, WAIT, os_error
from kolben.net._endpoint import prepare
from kolben.net._flow cimport Flow
from kolben.net._socket cimport EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EWOULDBLOCK, accept_peer, errno
from kolben.net._timers cimport Timer

cdef enum:
    REST = 500                # milliseconds without accepting after the system ran out of descriptors or memory


cdef object log = logging.getLogger("kolben.net")


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
        cdef Flow stream
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


prepare(Accept)

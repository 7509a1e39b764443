"""A listening socket's life: accept in bounded batches, rest when descriptors run out."""

import logging

cimport cython

from libc.string cimport memcpy, memset

from kolben.server._connection cimport Connection, ConnectionFacts
from kolben.server._engine cimport Engine
from kolben.server._reactor cimport Watched
from kolben.server._socket cimport EMFILE, ENFILE, ENOBUFS, ENOMEM, accept_peer, c_close, errno

cdef enum:
    ACCEPTS_PER_STEP = 64     # so that a storm of connections does not starve those that are open
    REST = 500                # milliseconds without accepting after the kernel ran out of something

cdef object log = logging.getLogger("kolben.server")


@cython.no_gc_clear       # its timer is given back to an object that it refers to
cdef class Acceptor(Watched):
    """Accepts connections from one listener.  Borrows its descriptor: stop() before the listener is closed."""

    cdef Engine engine
    cdef str scheme
    cdef object server
    cdef object listener

    def __init__(self, Engine engine not None, listener, *, str scheme not None, server not None):
        self.engine = engine
        self.listener = listener
        self.scheme = scheme
        self.server = server

    def start(self):
        """Begin to accept."""
        self.fd = self.listener.fileno()
        self.engine.reactor.watch(self, True)

    def stop(self):
        """Accept what has connected already, and then no more."""
        if self.fd >= 0:
            try:
                while self.accept_some() == ACCEPTS_PER_STEP:
                    pass
            finally:
                self.engine.reactor.forget(self)
                self.fd = -1

    cdef int on_event(self, int flags) except -1:
        self.accept_some()
        return 0

    cdef int accept_some(self) except -1:
        """Accept a bounded number; return how many."""
        cdef unsigned char address[128]       # struct sockaddr_storage
        cdef unsigned int length
        cdef int fd, accepted = 0
        cdef Connection connection
        cdef ConnectionFacts info
        while accepted < ACCEPTS_PER_STEP:
            if self.engine.connection_limit and self.engine.active >= self.engine.connection_limit:
                self.rest("limits.connections is reached")
                break
            length = sizeof(address)
            memset(address, 0, 28)
            fd = accept_peer(self.fd, address, &length)
            if fd < 0:
                if errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
                    self.rest("the system has no descriptor or memory left")
                    self.end_idle()
                break                         # else EAGAIN, ECONNABORTED and the like: nothing
            accepted += 1
            try:
                info = ConnectionFacts.__new__(ConnectionFacts)
                connection = Connection.__new__(Connection)
            except MemoryError:
                c_close(fd)
                raise
            info.scheme = self.scheme
            info.server = self.server
            memcpy(info.address, address, 28)
            connection.engine = self.engine
            connection.open(fd, info)
            self.engine.reactor.schedule(connection)      # later in this turn: to read what came with the handshake's last segment
        return accepted

    cdef int rest(self, reason) except -1:
        """Stop accepting for a while: a level-triggered listener that cannot accept would spin."""
        log.warning("Accepting no connections for %d ms: %s (%d are open)", REST, reason, self.engine.active)
        self.engine.reactor.pause(self)
        self.engine.reactor.set_timer(self, REST)
        return 0

    cdef int end_idle(self) except -1:
        """Give the descriptors of connections that wait between two requests to those that wait with one."""
        for watched in self.engine.reactor.watched():
            if isinstance(watched, Connection) and (<Connection>watched).served and watched.is_idle:
                watched.stop()
        return 0

    cdef int on_timer(self) except -1:
        self.engine.reactor.resume(self)
        return 0

    cdef int on_error(self) except -1:
        return self.rest("an error, see above")

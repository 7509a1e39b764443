"""A listening socket's life: accept in bounded batches, rest when descriptors run out."""

import logging

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from kolben.server._connection cimport Connection
from kolben.server._engine cimport Engine
from kolben.server._facts cimport ConnectionFacts
from kolben.server._watched cimport Watched
from kolben.net._socket cimport (
    AF_INET, AF_INET6, EMFILE, ENFILE, ENOBUFS, ENOMEM, accept_peer, c_close, errno, send, sockaddr_in, sockaddr_in6,
)

cdef enum:
    ACCEPTS_PER_STEP = 64     # so that a storm of connections does not starve those that are open
    REST = 500                # milliseconds without accepting after the kernel ran out of something
    HOLD = 10                 # milliseconds, or to the timers' next tick, for which it leaves who waits to workers with fewer connections
    ACCEPTS_AFTER_HOLD = 4    # after that it takes some all the same: the others may be too busy to

cdef object log = logging.getLogger("kolben.server")


cdef bytes CROWDED_BODY = b"Too many connections from this address.\n"
cdef bytes CROWDED = b"\r\n".join([
    b"HTTP/1.1 503 Service Unavailable", b"Content-Type: text/plain", b"Content-Length: %d" % len(CROWDED_BODY), b"Retry-After: 10",
    b"Connection: close", b"", CROWDED_BODY,
])


cdef bytes peer_key(const unsigned char *address):
    """What the connections of one peer are counted under: an IPv4 address or an IPv6 network; None on a Unix socket."""
    cdef const sockaddr_in *v4 = <const sockaddr_in *>address
    cdef const sockaddr_in6 *v6 = <const sockaddr_in6 *>address
    cdef const unsigned char *p
    if v4.sin_family == AF_INET:
        p = <const unsigned char *>&v4.sin_addr
        return p[:4]
    if v6.sin6_family == AF_INET6:
        p = <const unsigned char *>&v6.sin6_addr
        return p[:8]
    return None


@cython.no_gc_clear       # its timer is given back to an object that it refers to
cdef class Acceptor(Watched):
    """Accepts connections from one listener.  Borrows its descriptor: stop() before the listener is closed."""

    cdef Engine engine
    cdef str scheme
    cdef object server
    cdef object listener
    cdef public object scores         # Scores shared with other workers, or None: nobody else accepts from this listener
    cdef int64_t told                 # when a refusal was logged last, in milliseconds
    cdef int unconditional            # connections to accept before the scores are asked again
    cdef bint taken                   # whether the descriptor that was accepted last belongs to a connection, or is closed

    def __init__(self, Engine engine not None, listener, *, str scheme not None, server not None):
        self.engine = engine
        self.listener = listener
        self.scheme = scheme
        self.server = server

    def start(self):
        """Begin to accept."""
        self.fd = self.listener.fileno()
        self.engine.reactor.watch(self, True)

    def leave(self):
        """Accept no more: who waits is left to others that share the listener."""
        if self.fd >= 0:
            self.engine.reactor.forget(self)
            self.fd = -1

    def stop(self):
        """Accept what has connected already, and then no more."""
        self.scores = None
        if self.fd >= 0:
            try:
                while self.accept_some() == ACCEPTS_PER_STEP:
                    pass
            finally:
                self.engine.reactor.forget(self)
                self.fd = -1

    cdef int on_event(self, int flags) except -1:
        return self.on_ready()

    cdef int on_ready(self) except -1:
        if self.accept_some() == ACCEPTS_PER_STEP:
            self.engine.reactor.hurry(self)
        return 0

    cdef int accept_some(self) except -1:
        """Accept a bounded number; return how many."""
        cdef unsigned char address[128]       # struct sockaddr_storage
        cdef unsigned int length
        cdef int fd, accepted = 0
        while accepted < ACCEPTS_PER_STEP:
            if self.engine.connection_limit and self.engine.active >= self.engine.connection_limit:
                self.rest("limits.connections is reached")
                break
            if self.unconditional > 0:
                self.unconditional -= 1
            elif self.scores is not None and not self.scores.may_accept(self.engine.active):
                self.hold_back()
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
                self.take(fd, address)
            except BaseException:
                # __dealloc__ closes what a connection has; this is for one that did not get so far.
                if not self.taken:
                    c_close(fd)
                raise
        return accepted

    cdef int take(self, int fd, const unsigned char *address) except -1:
        """Open a connection for a peer that was accepted, or refuse it.  `taken`: the descriptor is the connection's, or closed."""
        cdef ConnectionFacts info
        cdef Connection connection
        self.taken = False
        info = ConnectionFacts.__new__(ConnectionFacts)
        connection = Connection.__new__(Connection)
        info.scheme = self.scheme
        info.server = self.server
        memcpy(info.address, address, 28)
        if self.engine.address_limit and not self.admit(info):
            send(fd, <const unsigned char *>PyBytes_AS_STRING(CROWDED), PyBytes_GET_SIZE(CROWDED))
            c_close(fd)
            self.taken = True
            return 0
        connection.engine = self.engine
        self.taken = True
        try:
            connection.open(fd, info)
        except BaseException:
            if info.counted is not None and not connection.polled:
                self.engine.discount(info.counted)       # else the connection is open, and its deadline will close it
            raise
        return self.engine.reactor.schedule(connection)       # later in this turn: to read what came with the handshake's last segment

    cdef bint admit(self, ConnectionFacts info) except -1:
        """Count a connection by its peer; False if that peer has too many already."""
        cdef bytes key = peer_key(info.address)
        if key is None:
            return True
        if self.engine.admit(key, info):
            info.counted = key
            return True
        self.engine.refused += 1
        if self.engine.reactor.now - self.told > 1000:
            self.told = self.engine.reactor.now
            log.warning("%s has %d connections open: further ones are refused", info.remote[0], self.engine.address_limit)
        return False

    cdef int rest(self, reason) except -1:
        """Stop accepting for a while: a level-triggered listener that cannot accept would spin."""
        log.warning("Accepting no connections for %d ms: %s (%d are open)", REST, reason, self.engine.active)
        self.engine.reactor.pause(self)
        self.engine.reactor.set_timer(self, REST)
        return 0

    cdef int hold_back(self) except -1:
        """Leave who waits to workers with fewer connections, for a moment."""
        self.unconditional = ACCEPTS_AFTER_HOLD
        self.engine.reactor.pause(self)
        self.engine.reactor.set_timer(self, HOLD)
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


def adopt(Engine engine not None, int fd, *, str scheme not None, server not None, remote):
    """Serve a connection that is open already, such as one end of a socket pair.  Takes the descriptor; it must not block."""
    cdef ConnectionFacts info = ConnectionFacts.__new__(ConnectionFacts)
    cdef Connection connection = Connection.__new__(Connection)
    info.scheme = scheme
    info.server = server
    info._remote = remote
    memset(info.address, 0, sizeof(info.address))
    connection.engine = engine
    connection.open(fd, info)
    engine.reactor.schedule(connection)

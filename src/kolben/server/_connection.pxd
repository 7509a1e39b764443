"""The map of a connection's life on our own server."""

from libc.stdint cimport int64_t

from kolben.http._request cimport RequestBase
from kolben.server._facts cimport ConnectionFacts
from kolben.server._running cimport Runner


cdef class Connection(Runner):
    """One peer.  Owns its descriptor."""

    cdef int64_t served

    cdef int open(self, int fd, ConnectionFacts info) except -1
    cdef int open_request(self, const unsigned char *p) except -1
    cdef RequestBase make_request(self, const unsigned char *p)
    cdef bint match(self, const unsigned char *p) except -1         # whether the plan may run already

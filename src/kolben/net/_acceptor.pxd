"""The map of listening sockets."""

from kolben.net._endpoint cimport Endpoint


cdef class Acceptor(Endpoint):
    """A listening socket that a task waits on.  Borrows its descriptor."""

    cdef type _kind                   # of the streams
    cdef object _start                # makes a stream's TLS layer; or None

    cdef int rest(self) except -1

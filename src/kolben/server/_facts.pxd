"""The map of what is known of a connection's ends."""

from kolben.http._message cimport ConnectionInfo


cdef class ConnectionFacts(ConnectionInfo):
    """Both ends' addresses; outlives the connection where a request is kept."""

    cdef bytes counted                # under which key the engine counts its connection; None: it does not
    cdef unsigned char address[28]    # struct sockaddr_in or sockaddr_in6; its family is 0 where there is none

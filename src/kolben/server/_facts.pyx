"""What is known of a connection's ends: addresses as the kernel tells them, made readable when somebody asks."""

from kolben.http._message cimport ConnectionInfo
from kolben.net._socket cimport AF_INET, AF_INET6, inet_ntop, ntohs, sockaddr_in, sockaddr_in6


cdef class ConnectionFacts(ConnectionInfo):

    cdef object make_remote(self):
        cdef char text[64]
        cdef sockaddr_in *v4 = <sockaddr_in *>self.address
        cdef sockaddr_in6 *v6 = <sockaddr_in6 *>self.address
        if v4.sin_family == AF_INET and inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text)) != NULL:
            return (text.decode("ascii"), ntohs(v4.sin_port))
        if v6.sin6_family == AF_INET6 and inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text)) != NULL:
            return (text.decode("ascii"), ntohs(v6.sin6_port))
        return None

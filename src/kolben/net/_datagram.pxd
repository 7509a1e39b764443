"""The map of awaited datagrams."""

from kolben.net._endpoint cimport Endpoint, Operation


cdef class Datagram:
    """What came in one piece, and from whom."""

    cdef readonly bytes data
    cdef readonly bint truncated
    cdef bytes _raw                   # who sent it, as the kernel wrote it
    cdef Addresses _addresses
    cdef object _address


cdef class Addresses:
    """Socket addresses of one socket's peers, both ways, so that an answer need not be translated."""

    cdef dict _known                  # raw: address
    cdef object _last                 # the address that was asked for last
    cdef bytes _last_raw

    cdef object read(self, bytes raw)
    cdef bytes write(self, object address)


cdef class DatagramSocket(Endpoint):
    """Datagrams from and to many peers, or one."""

    cdef Addresses _addresses
    cdef object _local_address
    cdef readonly object peer_address
    cdef readonly object file

    cdef Datagram receive(self, Py_ssize_t room)
    cdef Py_ssize_t transmit(self, object data, bytes raw) except -1
    cdef Operation begin(self, object data, bytes raw, object timeout)      # sends, or what sends when awaited

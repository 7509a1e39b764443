"""The map of replies that leave together."""

from libc.stdint cimport int64_t

from kolben.net._datagram cimport Datagram, DatagramSocket
from kolben.net._socket cimport PARCELS


cdef class Replies:
    """What was answered and is not sent yet.  Whoever keeps some sends them before it waits for anything."""

    cdef DatagramSocket sock
    cdef list datagrams
    cdef list replies                 # bytes
    cdef list raw                     # where to
    cdef int64_t began                # microseconds, when the work on them did

    cdef int begin(self) noexcept
    cdef bint put(self, object reply, Datagram datagram) except -1        # True: it is time to send
    cdef list send(self, object report)       # what the system would not take now; report(error, address): what it never will

"""The map of replies that leave together."""

from kolben.net._datagram cimport Datagram, DatagramSocket
from kolben.net._socket cimport PARCELS


cdef class Replies:
    """What was answered and is not sent yet.  Whoever keeps some sends them before it waits for anything."""

    cdef DatagramSocket sock
    cdef list datagrams
    cdef list replies                 # bytes
    cdef list raw                     # where to

    cdef bint put(self, object reply, Datagram datagram) except -1        # True: no more go together
    cdef list send(self, object report)       # what the system would not take now; report(error, address): what it never will

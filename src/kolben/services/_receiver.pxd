"""The map of who receives datagrams for a function."""

from kolben.net._datagram cimport DatagramSocket
from kolben.net._replies cimport Replies


cdef class Counters:
    """Live numbers of one service in this process."""

    cdef public long long accepted
    cdef public long long active
    cdef public long long refused
    cdef public long long failed

    cdef bint take(self, long long most) noexcept         # counts what came; False: there is no room for it
    cpdef int change(self, long long by) noexcept


cdef class Receiver:
    """Datagrams of one socket, for one task or one thread."""

    cdef object service
    cdef DatagramSocket sock
    cdef object context               # the task's; None: a thread answers
    cdef Counters counters
    cdef long long most               # datagrams at a time
    cdef object failure               # of the last receive that failed
    cdef Replies replies              # not sent yet; nobody is waited for while there are any

    cdef object take_failure(self)
    cdef int send(self) except -1

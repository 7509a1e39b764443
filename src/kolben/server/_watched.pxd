"""The map of what a reactor watches."""

from libc.stdint cimport int64_t

from kolben.net._timers cimport Timer


cdef class Watched:
    """Something with a descriptor that a reactor watches: a listener, a connection.

    The reactor holds a reference from watch() to forget(), and until the poller's present batch is handled, because events
    in it may still point here.
    """

    cdef int fd                       # -1: closed
    cdef bint polled                  # the poller knows its descriptor
    cdef bint in_ready                # stands in the reactor's ready list
    cdef Watched buried_before        # the next one in the graveyard
    cdef Timer timer
    cdef bint is_deferred             # an answer of its waits for the end of the batch

    cdef int send_now(self, const unsigned char *p, Py_ssize_t n) except -1       # what was deferred
    cdef int on_event(self, int flags) except -1
    cdef int on_timer(self) except -1
    cdef int on_ready(self) except -1         # its turn of the ready list: it stopped before everything was read
    cdef int on_error(self) except -1         # one of the above raised; the exception is logged already
    cdef object on_rescue(self)               # the lease was taken from its call; returns what is to be logged, or None
    cdef object running(self)                 # that name


cdef class Graveyard:
    """What was forgotten while events of the batch may still point there.  Burying takes no memory: it must not fail."""

    cdef Watched _last

    cdef void bury(self, Watched watched) noexcept
    cpdef object clear(self)


# An exception that nobody caught is handled: end the connection that it is about, and serve the others.
cdef int report(Watched watched) except -1
cdef int blame(object function) except -1     # a posted call raised it

"""The map of sockets that tasks wait on, and of the calls that may have to wait."""

cimport cython
from libc.stdint cimport int64_t

from kolben.net._hub cimport Hub, Watched
from kolben.net._timers cimport Timer, Timers
from kolben.net._waiter cimport Awaited, Waiter


cdef enum:
    STREAK = 64               # how often in a row one endpoint succeeds without waiting before the others have their turn
    NOT_YET = -2              # what a system call would have waited for
    NEVER = -1                # a timeout


cpdef enum Direction:
    READING
    WRITING


cdef object WAIT              # what attempt() returns when it has to wait


@cython.no_gc_clear           # __dealloc__ needs the timers
cdef class Endpoint(Watched):
    """A socket that tasks wait on.  Owns its descriptor.

    Nobody needs to hold it while a task waits on it: it holds itself.  Without a task it lives as long as its user holds it.
    """

    cdef Hub hub
    cdef Timers _timers               # the hub's
    cdef bint readable                # may have something: unless the last receive came back short
    cdef bint writable
    cdef bint ended                   # the peer has shut its side, or the socket failed: a short receive says nothing then
    cdef int streak
    cdef int held                     # how many reasons there are to stay alive without a user
    cdef Operation reader             # who waits to read
    cdef list writers                 # who wait to write
    cdef Waiter spare                 # for the next reader
    cdef public object timeout        # seconds for each call that does not say otherwise; None: for ever

    cdef int open(self, int fd) except -1
    cdef int take(self, object sock) except -1
    cdef int hold(self) noexcept
    cdef int let_go(self) noexcept
    cdef int on_readable(self) except -1
    cdef int on_writable(self) except -1
    cdef int release(self) except -1                          # closes the descriptor; whoever waits is told
    cdef int wake_reader(self, bint at_once) except -1
    cdef int wake_writers(self, bint at_once) except -1
    cdef int set_write_timer(self) except -1
    cdef bint may_go_on(self) except -1                       # False: it had its turn, and is scheduled for the next
    cdef int64_t timeout_of(self, object timeout) except -2   # milliseconds, or NEVER
    cdef object describe(self, Operation operation)           # for the message of a timeout
    cdef int ensure_open(self) except -1


cdef class Operation(Awaited):
    """One call of a user that may have to wait: awaited once, it tries, waits, tries again."""

    cdef Endpoint endpoint
    cdef Waiter waiter                # while it waits
    cdef int direction                # in which it waits
    cdef int64_t timeout              # milliseconds, or NEVER
    cdef int64_t due                  # milliseconds; 0: it has not waited yet
    cdef bint is_finished
    cdef bint has_begun               # it was stepped, or what it waits for began with the call: so nobody has to await it
    cdef bint is_late

    cdef object attempt(self)         # the result, or WAIT
    cdef bint prefetch(self) except -1          # do now what attempt() would, and keep it for that; False: it was not done
    cdef object advance(self)         # the same, or the Waiter
    cdef object wait(self)


cdef class Done(Operation):
    """An operation that is finished before anybody awaits it, with nothing to give."""


cdef Done DONE
cdef object os_error(int code, object what)       # made, not raised: an OSError of the right class

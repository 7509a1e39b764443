"""The map of what waits for a turn."""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._timers cimport Timers
from kolben.server._lease cimport Lease
from kolben.server._watched cimport Graveyard, Watched

cdef enum:
    MEMORY_TRIES = 100        # how often a thread tries to hand something over while there is no memory,
    MEMORY_WAIT = 10000       # and how many microseconds it waits each time


cdef class Agenda:
    """Owns the poller and the timers.  Touched by whoever holds the lease (_lease.pyx), but for what is said to be for every thread."""

    cdef Poller poller
    cdef Timers timers
    cdef readonly Lease lease
    cdef readonly int64_t now         # milliseconds, monotonic; of the present turn
    cdef set _watched                 # keeps them alive
    cdef Graveyard _graveyard
    cdef list _ready                  # for the next pass over them
    cdef list _eager                  # listeners with which more connections wait than they took in one step
    cdef object _done                 # deque of (callable, argument) from other threads
    cdef object _for_loop             # the same, for the loop's thread alone
    cdef int64_t _armed               # when the poller's timer is set to go off; -1: off
    cdef object loop
    cdef object _asked_turn           # the bound method, made once
    cdef bint _turn_is_scheduled
    cdef bint _in_turn
    cdef bint _closed
    cdef object clock                 # None: the kernel's monotonic clock; else a callable that returns milliseconds (tests)

    cdef int watch(self, Watched watched, bint is_listener) except -1
    cdef int forget(self, Watched watched) except -1
    cdef int pause(self, Watched watched) except -1           # a listener: no events until resume()
    cdef int resume(self, Watched watched) except -1
    cdef int schedule(self, Watched watched) except -1        # into the ready list
    cdef int hurry(self, Watched watched) except -1           # a listener: one more step, on_ready(), at the begin of the next round
    cdef int set_timer(self, Watched watched, int64_t delay) except -1    # milliseconds from `now`
    cdef int clear_timer(self, Watched watched) except -1
    cdef int64_t read_clock(self) except -1
    cdef int touch(self) except -1            # reads the clock: for work that is not part of a turn
    cdef int come_back(self) except -1
    cdef int arm(self) except -1
    cpdef object turn(self)

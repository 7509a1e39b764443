"""The map of the lease on a server's core: who may touch the batch of events, the ready list, the timers, the shared buffers."""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller

cdef extern from "<time.h>" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *into)
    int CLOCK_MONOTONIC

cdef extern from "pythread.h" nogil:
    ctypedef void *ThreadLock "PyThread_type_lock"


cdef inline int64_t microseconds() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <int64_t>t.tv_sec * 1000000 + t.tv_nsec // 1000


cdef enum LeaseState:
    HELD                      # by the loop's thread
    CALL                      # likewise, and it runs a plan inline: may be taken
    STEP                      # likewise, and it runs the first step of a task: cannot be taken, only named
    TAKEN                     # by the watchdog; the call that it was taken from has not ended
    WANTED                    # by the watchdog, which finishes its step; that call has ended, and the loop's thread waits

cpdef enum:                   # what Lease.wait() has seen
    LASTS = 1                 # a call or a step over its time
    QUIET = 2                 # nothing begins, but tasks are unfinished
    CLOSED = 3

cpdef enum:                   # microseconds
    RESCUE_AFTER = 10000
    BLOCKED_AFTER = 100000    # asyncio's slow_callback_duration


cdef class Lease:
    """Who holds the core.  Its moves are made with the GIL; the watchdog reads without."""

    cdef int state                    # LeaseState
    cdef int64_t since                # microseconds: when the present call or step began
    cdef int64_t count                # calls and steps that began: tells one from the next
    cdef int64_t reported             # the step that was named already
    cdef void *caller                 # Watched; kept alive by the frames of its call
    cdef Py_ssize_t tasks             # tasks that were not done with their first step
    cdef bint asleep                  # the watchdog has to be woken for a call
    cdef int napping                  # it waits for the bell
    cdef int closing
    cdef bint clocked                 # the clock is a test's
    cdef object clock
    cdef Poller poller                # where the watchdog waits while it serves
    cdef ThreadLock bell              # locked; unlocked once for each ring
    cdef ThreadLock door              # locked; unlocked once for each return of the lease
    cdef public object on_first       # called before the first call or step: starts the watchdog

    cdef inline bint is_taken(self) noexcept:
        return self.state >= TAKEN

    cdef int64_t now(self) except -1
    # In the loop's thread.
    cdef int begin(self, int state, void *caller, int64_t since) except -1
    cdef int64_t end(self) except -2          # how long it took, in microseconds; -1: the lease was taken, and is back now
    cdef int want(self) except -1
    cdef int ring(self) except -1
    # In the watchdog's.
    cdef bint take(self) except -1            # False: no call lasts any more
    cdef int give(self) except -1
    cdef bint take_note(self) except -1       # the same for a step, which is only named, and once
    cdef int tick(self) noexcept nogil
    cdef bint nap(self, int64_t limit) noexcept nogil

"""The map of the hub: sockets that tasks of one asyncio loop wait on, behind one poller nested in that loop."""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._timers cimport Timer, Timers


cdef enum:
    SCRATCH = 65536           # bytes that one receive takes at most
    PREFETCHED = 1 << 16      # in an event's flags: what it tells of has been received already


cdef class Watched:
    """What a hub knows of a socket; _endpoint says what happens to it."""

    cdef readonly int fd              # -1: closed
    cdef bint linked                  # stands in the hub's chain
    cdef void *previous               # Watched
    cdef void *following
    cdef bint in_ready                # goes on in the next turn
    cdef Timer read_timer             # the reader's; and of the writers' the earliest
    cdef Timer write_timer

    cdef int on_event(self, int flags) except -1              # of the poller
    cdef int prefetch(self, int flags) except -1              # receive what is waited for; the flags that are left
    cdef int uncork(self) except -1                           # send what cork() was called for; errors are kept for the next call
    cdef int on_turn(self) except -1                          # that go_on() asked for
    cdef int on_time(self, Timer *timer) except -1
    cdef int on_loop_end(self) except -1


cdef class Hub:
    """Owns the poller and the timers of one loop.  Only the loop's thread may use it."""

    cdef readonly object loop
    cdef Poller poller
    cdef Timers timers
    cdef void *_first                 # Watched, borrowed: all that are open, in a chain
    cdef int _position                # in the poller's batch
    cdef int _count
    cdef int _depth                   # of turns: a loop that runs inside a callback of itself nests them
    cdef int64_t now                  # milliseconds, when the clock was read last
    cdef int64_t _armed               # when the poller's timer goes off; -1: not set
    cdef list _ready                  # those that go on without an event
    cdef bint is_corking              # what is sent now may wait for the end of the turn
    cdef list _corked                 # those that have something to send then
    cdef object _asked_turn           # the bound method, made once
    cdef object _current              # the task that counts as asyncio's current one, because the hub said so; or None
    cdef object _swap_current_task    # how asyncio is told; or None
    cdef dict _current_tasks          # where it is told before Python 3.12: loop to task
    cdef object finished              # a future of the loop that has no result to give: what a task is woken with
    cdef object get_loop              # a function
    cdef object _ends                 # an asynchronous generator that the loop closes before itself
    cdef bint _turn_is_scheduled
    cdef readonly bint closed
    cdef unsigned char scratch[SCRATCH]

    cdef int watch(self, Watched watched) except -1
    cdef int forget(self, Watched watched) except -1
    cdef int go_on(self, Watched watched) except -1           # without an event: in the next turn
    cdef int cork(self, Watched watched) except -1            # uncork() it at the end of the turn
    cdef int uncork(self) except -1
    cdef int set_timer(self, Timer *timer, int64_t due) except -1
    cdef int64_t read_clock(self) noexcept
    cdef int come_back(self) except -1
    cdef int arm(self) except -1
    cdef int serve(self) except -1
    cdef int prefetch(self) except -1
    cdef int run_ready(self) except -1
    cdef int run_timers(self) except -1
    cdef int enter(self, object task) except -1               # it is asyncio's current task from now on, until the turn ends
    cdef int leave(self) except -1


cdef Hub current_hub()

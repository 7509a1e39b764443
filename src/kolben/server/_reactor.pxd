"""The map of the reactor: one poller turn inside somebody else's event loop."""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._timers cimport Timer, Timers


cdef enum:
    TURN_BUDGET = 1000        # microseconds of one turn; what is left waits for the next, so that the loop is not starved


cdef class Watched:
    """Something with a descriptor that a reactor watches: a listener, a connection.

    The reactor holds a reference from watch() to forget(), and until the poller's present batch is handled, because events
    in it may still point here.
    """

    cdef Reactor reactor
    cdef int fd                       # -1: closed
    cdef bint polled                  # the poller knows its descriptor
    cdef bint in_ready                # stands in the reactor's ready list
    cdef Timer timer

    cdef int on_event(self, int flags) except -1
    cdef int on_timer(self) except -1
    cdef int on_ready(self) except -1         # its turn of the ready list: it stopped before everything was read
    cdef int on_error(self) except -1         # one of the above raised; the exception is logged already


cdef class Reactor:
    """Owns the poller and the timers; runs in one thread, nested in an asyncio loop that watches `fileno()`."""

    cdef Poller poller
    cdef Timers timers
    cdef readonly int64_t now         # milliseconds, monotonic; of the present turn
    cdef object _watched              # set of Watched: keeps them alive
    cdef list _graveyard              # forgotten, but events of the batch may point there
    cdef list _ready
    cdef object _done                 # deque of (callable, argument) from other threads
    cdef int _position                # in the poller's batch
    cdef int _count
    cdef int64_t _armed               # when the poller's timer is set to go off; -1: off
    cdef object loop
    cdef object _turn                 # the bound method, made once
    cdef bint _turn_is_scheduled
    cdef bint _loop_is_running        # whether asyncio's running loop is set in this thread
    cdef bint _in_turn
    cdef bint _closed
    cdef object clock                 # None: the kernel's monotonic clock; else a callable that returns milliseconds (tests)

    cdef int watch(self, Watched watched, bint is_listener) except -1
    cdef int forget(self, Watched watched) except -1
    cdef int pause(self, Watched watched) except -1           # a listener: no events until resume()
    cdef int resume(self, Watched watched) except -1
    cdef int schedule(self, Watched watched) except -1        # into the ready list
    cdef int set_timer(self, Watched watched, int64_t delay) except -1    # milliseconds from `now`
    cdef int clear_timer(self, Watched watched) except -1
    cdef bint is_running(self) except -1
    cdef int leave_loop(self) except -1       # no asyncio loop counts as running: for sync views, which may call asyncio.run()
    cdef int enter_loop(self) except -1       # the loop counts as running again: for tasks
    cdef int touch(self) except -1            # reads the clock: for work that is not part of a turn
    cpdef object turn(self)
    cdef int64_t read_clock(self) except -1
    cdef int come_back(self) except -1
    # Each stops when the turn's time is over, but takes one step at least.
    cdef bint is_over(self, int64_t began, Watched watched) except -1
    cdef int handle_batch(self, int64_t began) except -1
    cdef int run_ready(self, int64_t began) except -1
    cdef int run_timers(self, int64_t began) except -1
    cdef int run_done(self, int64_t began) except -1
    cdef int call(self, object function, object argument) except -1
    cdef int arm(self) except -1
    cdef int report(self, Watched watched) except -1
    cdef int finish_turn(self) except -1

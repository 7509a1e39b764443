"""The map of the hub: sockets that tasks of one asyncio loop wait on, behind one poller nested in that loop."""

cimport cython
from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._timers cimport Timer, Timers


cdef enum:
    SCRATCH = 65536           # bytes that one receive takes at most
    STREAK = 64               # how often in a row one endpoint succeeds without waiting before the others have their turn
    NOT_YET = -2              # what a system call would have waited for
    NEVER = -1                # a timeout


cpdef enum Direction:
    READING
    WRITING


cdef object WAIT              # what attempt() returns when it has to wait


cdef class Hub:
    """Owns the poller and the timers of one loop.  Only the loop's thread may use it."""

    cdef readonly object loop
    cdef Poller poller
    cdef Timers timers
    cdef void *_first                 # Endpoint, borrowed: all that are open, in a chain
    cdef int _position                # in the poller's batch
    cdef int _count
    cdef int _depth                   # of turns: a loop that runs inside a callback of itself nests them
    cdef int64_t now                  # milliseconds, when the clock was read last
    cdef int64_t _armed               # when the poller's timer goes off; -1: not set
    cdef list _ready                  # endpoints that go on without an event
    cdef object _asked_turn           # the bound method, made once
    cdef object _finished             # a future of the loop that has no result to give: what a task is woken with
    cdef object _get_loop             # a function
    cdef object _ends                 # an asynchronous generator that the loop closes before itself
    cdef bint _turn_is_scheduled
    cdef readonly bint closed
    cdef unsigned char scratch[SCRATCH]

    cdef int watch(self, Endpoint endpoint) except -1
    cdef int forget(self, Endpoint endpoint) except -1
    cdef int go_on(self, Endpoint endpoint) except -1         # without an event: in the next turn
    cdef int set_timer(self, Timer *timer, int64_t due) except -1
    cdef int64_t read_clock(self) noexcept
    cdef int come_back(self) except -1
    cdef int arm(self) except -1
    cdef int serve(self) except -1
    cdef int run_ready(self) except -1
    cdef int run_timers(self) except -1


cdef Hub current_hub()


@cython.no_gc_clear           # __dealloc__ needs the timers
cdef class Endpoint:
    """A socket that tasks wait on.  Owns its descriptor.

    Nobody needs to hold it while a task waits on it: it holds itself.  Without a task it lives as long as its user holds it.
    """

    cdef Hub hub
    cdef Timers _timers               # the hub's
    cdef readonly int fd              # -1: closed
    cdef bint linked                  # stands in the hub's chain
    cdef void *previous               # Endpoint
    cdef void *following
    cdef bint readable                # may have something: unless the last receive came back short
    cdef bint writable
    cdef bint ended                   # the peer has shut its side, or the socket failed: a short receive says nothing then
    cdef bint in_ready
    cdef int streak
    cdef int held                     # how many reasons there are to stay alive without a user
    cdef Operation reader             # who waits to read
    cdef list writers                 # who wait to write
    cdef Waiter spare                 # for the next reader
    cdef Timer read_timer             # the reader's; and of the writers' the earliest
    cdef Timer write_timer
    cdef public object timeout        # seconds for each call that does not say otherwise; None: for ever

    cdef int open(self, int fd) except -1
    cdef int hold(self) noexcept
    cdef int let_go(self) noexcept
    cdef int on_event(self, int flags) except -1
    cdef int on_readable(self) except -1
    cdef int on_writable(self) except -1
    cdef int on_time(self, Timer *timer) except -1
    cdef int release(self) except -1                          # closes the descriptor; whoever waits is told
    cdef int on_loop_end(self) except -1
    cdef int wake_reader(self, bint at_once) except -1
    cdef int wake_writers(self, bint at_once) except -1
    cdef int set_write_timer(self) except -1
    cdef bint may_go_on(self) except -1                       # False: it had its turn, and is scheduled for the next
    cdef int64_t timeout_of(self, object timeout) except -2   # milliseconds, or NEVER
    cdef object describe(self, Operation operation)           # for the message of a timeout
    cdef int ensure_open(self) except -1


cdef class Waiter:
    """What a task waits on: asyncio's protocol of futures without a future."""

    cdef Operation operation
    cdef Hub hub
    cdef object callback
    cdef object context
    cdef object message               # of who cancelled
    cdef int state
    cdef public bint _asyncio_future_blocking
    # PERF: a task looks these up each time it waits; made once, they save it two bound methods (600 instructions).
    cdef readonly object get_loop
    cdef readonly object add_done_callback

    cdef int forget_methods(self) except -1
    cdef int wake(self, bint at_once) except -1


cdef class Operation:
    """One call of a user that may have to wait: awaited once, it tries, waits, tries again."""

    cdef Endpoint endpoint
    cdef Waiter waiter                # while it waits
    cdef int direction                # in which it waits
    cdef int64_t timeout              # milliseconds, or NEVER
    cdef int64_t due                  # milliseconds; 0: it has not waited yet
    cdef bint is_finished
    cdef bint is_late

    cdef object attempt(self)         # the result, or WAIT
    cdef object advance(self)         # the same, or the Waiter
    cdef object wait(self)
    cdef int stop_waiting(self) except -1


cdef class Done(Operation):
    """An operation that is finished before anybody awaits it, with nothing to give."""


cdef Done DONE
cdef object os_error(int code, object what)       # made, not raised: an OSError of the right class

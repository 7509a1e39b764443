"""The map of the reactor: one poller turn inside somebody else's event loop."""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._timers cimport Timer, Timers
from kolben.server._backlog cimport Backlog
from kolben.server._lease cimport Lease
from kolben.server._usage cimport Usage
from kolben.wire._writer cimport Output


cdef enum:
    DEFERRED_AT_ONCE = 128    # answers; and of one, at most this many bytes:
    DEFERRED_SIZE = 4096
    DEFERRED_FOR = 400        # microseconds that an answer waits for the others of its batch
    MEMORY_TRIES = 100        # how often a thread tries to hand something over while there is no memory,
    MEMORY_WAIT = 10000       # and how many microseconds it waits each time
    TURN_BUDGET = 1000        # microseconds of one turn; what is left waits for the next, so that the loop is not starved;
    TURN_SHARE = 4            # one that had to wait, with work left, has a share of one in so many of that time,
    TURN_LONGEST = 20000      # and no more than so many microseconds
    SUSPECTS_FOR = 10000000   # microseconds behind a long call, in which others are looked into


cdef class Watched:
    """Something with a descriptor that a reactor watches: a listener, a connection.

    The reactor holds a reference from watch() to forget(), and until the poller's present batch is handled, because events
    in it may still point here.
    """

    cdef Reactor reactor
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


cdef class Reactor:
    """Owns the poller and the timers; nested in an asyncio loop that watches `fileno()`.

    Used by whoever holds the lease (_lease.pyx): the loop's thread, or the watchdog's while it rescues.
    """

    cdef Poller poller
    cdef Timers timers
    cdef readonly Lease lease
    cdef readonly int64_t now         # milliseconds, monotonic; of the present turn
    cdef object _watched              # set of Watched: keeps them alive
    cdef Graveyard _graveyard
    cdef list _ready                  # for the next pass over them
    cdef list _pass                   # the present one, which a rescue may have to go on with
    cdef Py_ssize_t _next             # in it
    cdef list _eager                  # listeners with which more connections wait than they took in one step
    cdef object _done                 # deque of (callable, argument) from other threads
    cdef object _for_loop             # the same, for the loop's thread alone
    cdef int _position                # in the poller's batch
    cdef int _count
    cdef int64_t _armed               # when the poller's timer is set to go off; -1: off
    cdef Output _deferred             # small answers of the present batch, one after the other
    cdef void *_deferred_by[DEFERRED_AT_ONCE]         # Watched, kept alive as everything is until the batch ends
    cdef Py_ssize_t _deferred_length[DEFERRED_AT_ONCE]
    cdef int _deferred_count
    cdef bint _is_sending
    cdef int64_t _deferred_since      # microseconds
    cdef int64_t _present             # microseconds, when the last step ended, or the call in it
    cdef bint _present_is_new         # the call's end was read, and nothing of the step took long since then
    cdef public unsigned long thread  # identity of the loop's
    cdef readonly bint late           # who has its turn now waited for too long: its request is refused
    cdef public Backlog backlog       # of what waits for its turn
    cdef bint _rests                  # nothing was left to do at the end of the last turn; only looked at while it is behind
    cdef bint _was_cut                # something was
    cdef int64_t _suspects            # microseconds: until when long calls are looked into, since there was one
    cdef bint _has_usage              # _usage is of the present turn
    cdef Usage _usage
    cdef int64_t _budget              # microseconds of the present turn
    cdef int64_t _began               # microseconds: the present turn,
    cdef int64_t _fetched             # the present batch,
    cdef int64_t _passed              # the present pass over the ready list,
    cdef int64_t _marked              # and since when a mark has been on its way through the kernel's queue; 0: there is none
    cdef object loop
    cdef object _asked_turn           # the bound method, made once
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
    cdef int hurry(self, Watched watched) except -1           # a listener: one more step, on_ready(), at the begin of the next round
    # Takes a small answer to be sent with the others of the batch: sends then follow each other, and so do views, and neither
    # drives the other out of the processor's caches.  False: send it yourself, now.
    cdef bint defer(self, Watched watched, const unsigned char *p, Py_ssize_t n) except -1
    cdef int send_deferred(self) except -1
    cdef int set_timer(self, Watched watched, int64_t delay) except -1    # milliseconds from `now`
    cdef int clear_timer(self, Watched watched) except -1
    cdef bint is_running(self) except -1
    cdef int leave_loop(self) except -1       # no asyncio loop counts as running: for sync views, which may call asyncio.run()
    cdef int enter_loop(self) except -1       # the loop counts as running again: for tasks
    cdef int touch(self) except -1            # reads the clock: for work that is not part of a turn
    # A plan runs inline, or a task makes its first step, from begin_call() to end_call(), which returns microseconds, or -1: the call
    # was late, its answer has to be posted.
    cdef int begin_call(self, int state, Watched caller) except -1
    cdef int64_t end_call(self) except -2
    cdef int64_t judge(self, int64_t lasted) except -2
    cpdef object turn(self)
    cdef int serve(self, int timeout) except -1       # one round over all that waits
    cdef int fetch(self, int timeout) except -1
    cdef int look_back(self, int64_t began) except -1
    cdef int64_t read_clock(self) except -1
    cdef int come_back(self) except -1
    # Each stops when the turn's time is over, but takes one step at least.
    cdef bint is_over(self, int64_t began, Watched watched) except -1
    cdef int handle_batch(self, int64_t began) except -1
    cdef int run_eager(self) except -1
    cdef int run_ready(self, int64_t began) except -1
    cdef int run_timers(self, int64_t began) except -1
    cdef int run_done(self, int64_t began) except -1
    cdef int call(self, object function, object argument) except -1
    cdef int arm(self) except -1
    cdef int64_t with_half(self, int64_t began) noexcept
    cdef bint has_rest(self) except -1        # left over by a round
    cdef int blame(self, object function) except -1
    cdef int report(self, Watched watched) except -1
    cdef int finish_turn(self) except -1

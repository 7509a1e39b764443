"""The map of the reactor: one poller turn inside somebody else's event loop."""

from libc.stdint cimport int64_t

from kolben.server._agenda cimport Agenda
from kolben.server._backlog cimport Backlog
from kolben.server._deferred cimport Deferred
from kolben.server._usage cimport Usage
from kolben.server._watched cimport Watched


cdef enum:
    TURN_BUDGET = 1000        # microseconds of one turn; what is left waits for the next, so that the loop is not starved;
    TURN_SHARE = 4            # one that had to wait, with work left, has a share of one in so many of that time,
    TURN_LONGEST = 20000      # and no more than so many microseconds
    SUSPECTS_FOR = 10000000   # microseconds behind a long call, in which others are looked into


cdef class Reactor(Agenda):
    """Takes the turns; nested in an asyncio loop that watches `fileno()`.

    Used by whoever holds the lease (_lease.pyx): the loop's thread, or the watchdog's while it rescues.
    """

    cdef list _pass                   # the present one, which a rescue may have to go on with
    cdef Py_ssize_t _next             # in it
    cdef int _position                # in the poller's batch
    cdef int _count
    cdef Deferred _deferred           # small answers of the present batch
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
    cdef bint _loop_is_running        # whether asyncio's running loop is set in this thread

    # Takes a small answer to be sent with the others of the batch.  False: send it yourself, now.
    cdef bint defer(self, Watched watched, const unsigned char *p, Py_ssize_t n) except -1
    cdef int send_deferred(self) except -1
    cdef bint is_running(self) except -1
    cdef int leave_loop(self) except -1       # no asyncio loop counts as running: for sync views, which may call asyncio.run()
    cdef int enter_loop(self) except -1       # the loop counts as running again: for tasks
    # A plan runs inline, or a task makes its first step, from begin_call() to end_call(), which returns microseconds, or -1: the call
    # was late, its answer has to be posted.
    cdef int begin_call(self, int state, Watched caller) except -1
    cdef int64_t end_call(self) except -2
    cdef int64_t judge(self, int64_t lasted) except -2
    cdef int serve(self, int timeout) except -1       # one round over all that waits
    cdef int fetch(self, int timeout) except -1
    cdef int look_back(self, int64_t began) except -1
    # Each stops when the turn's time is over, but takes one step at least.
    cdef bint is_over(self, int64_t began, Watched watched) except -1
    cdef int handle_batch(self, int64_t began) except -1
    cdef int run_eager(self) except -1
    cdef int run_ready(self, int64_t began) except -1
    cdef int run_timers(self, int64_t began) except -1
    cdef int run_done(self, int64_t began) except -1
    cdef int call(self, object function, object argument) except -1
    cdef int64_t with_half(self, int64_t began) noexcept
    cdef bint has_rest(self) except -1        # left over by a round
    cdef int finish_turn(self) except -1

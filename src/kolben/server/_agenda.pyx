"""What waits for a turn: descriptors in the poller, deadlines, who wants one more step, and calls that other threads have posted.

Asks the loop for a turn; what happens in it is the reactor's.  `post` and `post_to_loop` are for every thread.
"""

from collections import deque

from libc.stdint cimport int64_t

from kolben.net._poller cimport Poller
from kolben.net._socket cimport usleep
from kolben.net._timers cimport Timers
from kolben.server._lease cimport Lease, microseconds
from kolben.server._watched cimport Graveyard, Watched


cdef class Agenda:

    def __init__(self, loop, *, clock=None):
        self.loop = loop
        self.clock = clock
        self.poller = Poller()
        self.timers = Timers()
        self.lease = Lease(self.poller, clock)
        self._watched = set()
        self._graveyard = Graveyard()
        self._ready = []
        self._eager = []
        self._done = deque()
        self._for_loop = deque()
        self._armed = -1
        self._asked_turn = self.asked_turn
        self.now = self.read_clock()

    cdef int64_t read_clock(self) except -1:
        return microseconds() // 1000 if self.clock is None else <int64_t>self.clock()

    cdef int touch(self) except -1:
        if not self._in_turn:
            self.now = self.read_clock()
        return 0

    # ------------------------------------------------ what is watched

    cdef int watch(self, Watched watched, bint is_listener) except -1:
        self._watched.add(watched)                        # first: the poller holds a pointer, and this keeps the object alive
        try:
            if is_listener:
                self.poller.add_listener(watched.fd, <void *>watched)
            else:
                self.poller.add(watched.fd, <void *>watched)
        except BaseException:
            self._watched.discard(watched)
            raise
        watched.polled = True
        return 0

    cdef int forget(self, Watched watched) except -1:
        """Stop watching, before the descriptor is closed.  The object stays alive until the present batch is handled."""
        self.timers.clear(&watched.timer)
        if watched in self._watched:
            self._graveyard.bury(watched)
            self._watched.discard(watched)
            if watched.polled:
                watched.polled = False
                self.poller.remove(watched.fd)
        return 0

    cdef int pause(self, Watched watched) except -1:
        """Have no events for a listener until resume()."""
        if watched.polled:
            watched.polled = False
            self.poller.remove(watched.fd)
        return 0

    cdef int resume(self, Watched watched) except -1:
        if not watched.polled:
            self.poller.add_listener(watched.fd, <void *>watched)
            watched.polled = True
        return 0

    cdef int schedule(self, Watched watched) except -1:
        if not watched.in_ready:
            self._ready.append(watched)                   # first: if there is no memory, it does not stand there
            watched.in_ready = True
            self.come_back()
        return 0

    cdef int hurry(self, Watched watched) except -1:
        if watched not in self._eager:
            self._eager.append(watched)
        return self.come_back()

    cdef int set_timer(self, Watched watched, int64_t delay) except -1:
        self.timers.set(&watched.timer, self.now, self.now + delay)
        if not self._in_turn:
            self.arm()
        return 0

    cdef int clear_timer(self, Watched watched) except -1:
        self.timers.clear(&watched.timer)
        return 0

    def watched(self):
        """Everything that is watched now, as a list."""
        return list(self._watched)

    # ------------------------------------------------ other threads

    def post(self, function, argument):
        """Have `function(argument)` called in a turn.  Thread-safe.

        Whoever holds the lease calls it, the loop's thread or the watchdog's.
        `function` is a method of something watched, or of something whose `connection` is: its connection ends if it raises.
        Returns False once the reactor is closed: then the call may never come, and the caller has to clean up itself.
        """
        cdef int tries = MEMORY_TRIES
        if self._closed:
            return False
        while True:
            try:
                self._done.append((function, argument))
                break
            except MemoryError:                           # a connection would wait for this call for ever
                tries -= 1
                if tries == 0:
                    raise
            with nogil:
                usleep(MEMORY_WAIT)
        self.poller.wake()
        return not self._closed

    def post_to_loop(self, function, argument):
        """As post(), but in the loop's thread, never in the watchdog's: for what touches the loop or its tasks."""
        self._for_loop.append((function, argument))
        self.poller.wake()
        return not self._closed

    def call_in_loop(self, function, argument):
        """For whoever holds the lease: call at once, or have the loop's thread do it when that has the lease again."""
        if self.lease.is_taken():
            self._for_loop.append((function, argument))
        else:
            function(argument)

    # ------------------------------------------------ asking for a turn

    cpdef object turn(self):
        """What the reactor does."""

    def fileno(self):
        """The descriptor that the loop watches for reading."""
        return self.poller.fileno()

    cdef int come_back(self) except -1:
        """Ask the loop for a turn although no event waits in the kernel."""
        if not self._turn_is_scheduled and not self._in_turn:
            try:
                self.loop.call_soon(self._asked_turn)
                self._turn_is_scheduled = True
            except MemoryError:
                self.poller.wake()                        # that takes none
        return 0

    def asked_turn(self):
        """The turn that come_back() asked for: one at a time, however many the poller causes meanwhile."""
        self._turn_is_scheduled = False
        self.turn()

    cdef int arm(self) except -1:
        """Set the poller's timer for the earliest deadline; no system call if it is set for that or earlier already."""
        cdef int64_t due = self.timers.next_due(self.now)
        if due < 0:
            return 0
        if self._armed < 0 or due < self._armed:
            self.poller.wake_at(due - self.now if due > self.now else 1)
            self._armed = due
        return 0

"""One poller turn inside somebody else's event loop (D1).

The asyncio loop watches one descriptor, the poller's, which is readable while events wait.  A turn waits for nothing, handles at
most one batch for at most TURN_BUDGET, and leaves.  Events are edge-triggered: what a turn leaves over, it remembers itself, in the
poller's batch and in the ready list, and asks the loop to come back.

A turn runs in the loop's thread.  While an inline call there lasts too long, the watchdog's thread serves instead, by `rescue`: so what is
not finished in one step stands in the reactor, not in a frame.  `post` and `post_to_loop` are for every thread.
"""

import contextlib
import logging

cimport cython
from collections import deque

from libc.stdint cimport int64_t

from kolben.net._poller cimport EVENTS_PER_WAIT, Event, MARK, Poller, TIMER
from kolben.server._backlog cimport Backlog
from kolben.net._socket cimport usleep
from kolben.wire._writer cimport Output
from kolben.net._timers cimport TICK, Timer, Timers
from kolben.http._plan cimport SLOW
from kolben.server._lease cimport HELD, Lease, TAKEN, WANTED, microseconds
from kolben.server._running_loop cimport is_running_loop, set_running_loop, unset_running_loop
from kolben.server._usage cimport Usage, look, own_share

cdef object log = logging.getLogger("kolben.server")


@cython.no_gc_clear       # its timer is given back to an object that it refers to
cdef class Watched:

    def __cinit__(self, *args, **kwargs):
        self.fd = -1
        self.timer.owner = <void *>self

    cdef int send_now(self, const unsigned char *p, Py_ssize_t n) except -1:
        return 0

    cdef int on_event(self, int flags) except -1:
        return 0

    cdef int on_timer(self) except -1:
        return 0

    cdef int on_ready(self) except -1:
        return 0

    cdef int on_error(self) except -1:
        return 0

    cdef object on_rescue(self):
        return self.running()

    cdef object running(self):
        return ""


cdef class Graveyard:

    cdef void bury(self, Watched watched) noexcept:
        watched.buried_before = self._last
        self._last = watched

    cpdef object clear(self):
        cdef Watched watched
        while self._last is not None:                     # one by one: a chain that goes as a whole recurses
            watched = self._last
            self._last, watched.buried_before = watched.buried_before, None


cdef class Reactor:

    def __init__(self, loop, *, clock=None):
        self.loop = loop
        self.clock = clock
        self.poller = Poller()
        self.timers = Timers()
        self.lease = Lease(self.poller, clock)
        self._watched = set()
        self._graveyard = Graveyard()
        self._ready = []
        self._pass = []
        self._eager = []
        self._done = deque()
        self._for_loop = deque()
        self._armed = -1
        self._budget = TURN_BUDGET
        self.backlog = Backlog("their turn", 0, 0)
        self._deferred = Output()
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
        watched.reactor = self
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

    # ------------------------------------------------ answers of one batch, sent together

    cdef bint defer(self, Watched watched, const unsigned char *p, Py_ssize_t n) except -1:
        if (not self._in_turn or self._is_sending or self._position >= self._count or n > DEFERRED_SIZE
                or self._deferred_count == DEFERRED_AT_ONCE):
            return False                      # nothing else comes in this batch, or there is no room
        if self._deferred_count == 0:
            self._deferred_since = self._present
        self._deferred.write(p, n)
        self._deferred_by[self._deferred_count] = <void *>watched
        self._deferred_length[self._deferred_count] = n
        self._deferred_count += 1
        watched.is_deferred = True
        return True

    cdef int send_deferred(self) except -1:
        cdef const unsigned char *p = self._deferred.data
        cdef int i
        cdef Watched watched
        if self._is_sending:
            return 0
        self._is_sending = True
        try:
            self._present_is_new = False
            for i in range(self._deferred_count):
                watched = <Watched>self._deferred_by[i]
                watched.is_deferred = False
                if watched.fd >= 0:
                    try:
                        watched.send_now(p, self._deferred_length[i])
                    except BaseException:
                        self.report(watched)
                p += self._deferred_length[i]
        finally:
            self._deferred_count = 0
            self._deferred.length = 0
            self._is_sending = False
        return 0

    # ------------------------------------------------ asyncio's idea of the running loop

    cdef bint is_running(self) except -1:
        return is_running_loop(self.loop)

    cdef int leave_loop(self) except -1:
        if self._loop_is_running:
            unset_running_loop(self.loop)
            self._loop_is_running = False
        return 0

    cdef int enter_loop(self) except -1:
        if not self._loop_is_running:
            set_running_loop(self.loop)
            self._loop_is_running = True
        return 0

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

    # ------------------------------------------------ calls that may be rescued

    cdef int begin_call(self, int state, Watched caller) except -1:
        # The end of the last step is near enough: since then a head was parsed.
        return self.lease.begin(state, <void *>caller, self._present if self.clock is None else self.lease.now())

    cdef int64_t end_call(self) except -2:
        cdef int64_t lasted = self.lease.end()
        self._present_is_new = self.clock is None and lasted >= 0
        self._present = self._present + lasted if self._present_is_new else microseconds()
        return lasted if lasted <= SLOW else self.judge(lasted)

    cdef int64_t judge(self, int64_t lasted) except -2:
        """How long a long call has lasted to its own account.  The first one after a calm while finds nothing to compare with."""
        cdef Usage now
        if self._has_usage and self.clock is None and look(&now):
            lasted = own_share(lasted, &self._usage, &now)
        self._suspects = self._present + SUSPECTS_FOR
        return lasted

    def rescue(self, report):
        """In the watchdog's thread: serve until the call that lasts has ended; False if none lasts any more.

        `report` is called with the name of what runs, the first time, the second, the fourth ...
        """
        cdef Watched caller
        name = None
        if not self.lease.take():
            return False
        caller = <Watched>self.lease.caller
        try:
            name = caller.on_rescue()
            self.send_deferred()
            if name is not None:
                report(name)
        except BaseException:
            self.report(caller)
        while self.lease.state == TAKEN:
            try:
                self.serve(0 if self.has_rest() else -1)
            except BaseException:
                with contextlib.suppress(Exception):      # there may be no memory to say it; the lease has to be given back
                    log.exception("Error in the server, while the watchdog serves")
        self.lease.give()
        return True

    def blocked_step(self):
        """In the watchdog's thread: the name of a task whose first step lasts; None if there is none, or it was named already."""
        return (<Watched>self.lease.caller).running() if self.lease.take_note() else None

    # ------------------------------------------------ the turn

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

    cpdef object turn(self):
        """Handle what waits.  Called by the loop when the poller is readable."""
        cdef bint was_running
        if self._in_turn:
            raise RuntimeError("a turn of the reactor cannot begin inside another")
        if self._closed:
            return
        self._in_turn = True
        self._loop_is_running = was_running = self.is_running()
        try:
            self.serve(0)
        finally:
            if was_running:
                self.enter_loop()
            self.finish_turn()

    cdef int serve(self, int timeout) except -1:
        cdef int64_t began
        if self._position >= self._count:
            self.fetch(timeout)
        self.now = self.read_clock()
        began = microseconds()
        self.look_back(began)
        self._present = began
        self._present_is_new = False
        if self.lease.state == WANTED:
            return 0                                      # the loop's thread goes on with what the kernel has just told
        if self._eager:
            self.run_eager()
        self.handle_batch(began)
        if 0 <= self._armed <= self.now:
            self._armed = -1
            self.run_timers(began)
        while self._for_loop and self.lease.state == HELD:
            self._done.append(self._for_loop.popleft())
        if self._done:
            self.run_done(self.with_half(began))
        if self._ready or self._next < len(self._pass):
            self.run_ready(self.with_half(began))
        if self._deferred_count:
            self.send_deferred()
        return self.arm()

    cdef int fetch(self, int timeout) except -1:
        """Ask the kernel for the next batch.  If that is full, more may wait there: a mark behind it will tell for how long."""
        self._graveyard.clear()
        self._position = self._count = 0
        self._count = self.poller.wait(timeout)
        self._fetched = microseconds()
        if self._count == EVENTS_PER_WAIT and self._marked == 0 and self.poller.mark():
            self._marked = self._fetched
        return 0

    cdef int look_back(self, int64_t began) except -1:
        """At the begin of a round: how long has waited what has its turn now?  A lower bound is known: what is in a batch was ready
        when that was fetched, and what is behind a full batch and before a mark, when that was made.  Costs nothing per request."""
        cdef int64_t gap = began - self._present
        self.backlog.observe(gap if self._rests else 0, began - self._began, began)
        # Where many threads compute, each turn waits for all of them: then a turn of a millisecond would be a small part of the time.
        self._budget = min(gap // TURN_SHARE, TURN_LONGEST) if self._was_cut and gap > TURN_SHARE * TURN_BUDGET else TURN_BUDGET
        self._was_cut = False
        # PERF: 300 nanoseconds a turn, and only for some time after a long call.
        self._has_usage = began < self._suspects and look(&self._usage)
        self._began = began
        self._rests = False
        self.late = self.backlog.is_too_long(began - (self._marked if self._marked else self._fetched), began)
        return 0

    cdef int64_t with_half(self, int64_t began) noexcept:
        """When a turn would have begun that has half of its time left, if it has less: what comes last must not starve."""
        return max(began, self._present - self._budget // 2)

    cdef bint has_rest(self) except -1:
        return self._position < self._count or self._next < len(self._pass) or self._ready or self._done or self._eager

    cdef int finish_turn(self) except -1:
        self._in_turn = False
        if self._position >= self._count:
            self._graveyard.clear()
            if self.backlog.behind:
                self.fetch(0)
                self._rests = self._count == 0            # the loop will wait; time that another process has is no rest
        if self.has_rest() or self._for_loop:
            self._was_cut = True
            self.come_back()
        return 0

    cdef bint is_over(self, int64_t began, Watched watched) except -1:
        """After a step, of `watched` or of None: whether the turn has had its time."""
        cdef int64_t present, before = self.now
        if not self._present_is_new:          # PERF: one look at the clock is enough for a request; 150 instructions
            self._present = microseconds()
        self._present_is_new = False
        present = self._present
        if self._deferred_count and present - self._deferred_since > DEFERRED_FOR:
            self.send_deferred()
        self.now = present // 1000 if self.clock is None else self.read_clock()
        if self.now - before >= TICK and watched is not None and watched.timer.next != NULL:
            # A slow view: the deadline after it was set from a `now` of before it.
            self.timers.set(&watched.timer, self.now, watched.timer.due + self.now - before)
        return present - began > self._budget or self.lease.state == WANTED

    cdef int handle_batch(self, int64_t began) except -1:
        cdef Event event
        cdef Watched watched
        cdef int64_t before
        while self._position < self._count:
            event = self.poller.events[self._position]
            self._position += 1
            watched = None
            before = self._present
            if event.owner == NULL:
                # A thread that woke the poller has appended to _done before: the turn looks there in any case.
                if event.flags & MARK:
                    self._marked = 0
                if event.flags & TIMER:
                    self._armed = -1
                    self.run_timers(began)
            else:
                watched = <Watched>event.owner
                if watched.fd >= 0:
                    try:
                        watched.on_event(event.flags)
                    except BaseException:
                        self.report(watched)
            # Not after every event, however slow the machine is: a turn of the loop costs more than an event.
            if self.is_over(began, watched) and (self._position & 7 == 0 or self._present - before > TURN_BUDGET):
                break
        return 0

    cdef int run_eager(self) except -1:
        """Let listeners take what waits before anybody is served: in the kernel's queue nobody sees for how long it does."""
        cdef Watched watched
        cdef list listeners = self._eager
        self._eager = []
        for watched in listeners:
            if watched.fd >= 0 and watched.polled:
                try:
                    watched.on_ready()
                except BaseException:
                    self.report(watched)
        return 0

    cdef int run_ready(self, int64_t began) except -1:
        """One step for everything that stood in the list when it began."""
        cdef Watched watched
        if self._next >= len(self._pass):
            self._pass, self._ready, self._next = self._ready, [], 0
            self._passed = began
        self.late = self.backlog.is_too_long(began - self._passed, began)
        while self._next < len(self._pass):
            watched = self._pass[self._next]
            self._next += 1
            watched.in_ready = False
            if watched.fd >= 0:
                try:
                    watched.on_ready()
                except BaseException:
                    self.report(watched)
            if self.is_over(began, watched):
                break
        if self._next >= len(self._pass) > 0:
            self._pass, self._next = [], 0
        return 0

    cdef int run_timers(self, int64_t began) except -1:
        cdef Timer *timer = self.timers.pop(self.now)
        cdef Watched watched
        while timer != NULL:
            watched = <Watched>timer.owner
            if watched.fd >= 0:
                try:
                    watched.on_timer()
                except BaseException:
                    self.report(watched)
            if self.is_over(began, watched):
                break                                     # arm() sees to the rest
            timer = self.timers.pop(self.now)
        return 0

    cdef int run_done(self, int64_t began) except -1:
        cdef Py_ssize_t left = len(self._done)
        while left > 0 and self._done:                    # fewer, if a call in the middle was rescued
            left -= 1
            function, argument = self._done.popleft()
            self.call(function, argument)
            if self.is_over(began, None):
                break
        return 0

    cdef int call(self, object function, object argument) except -1:
        try:
            function(argument)
        except BaseException:
            self.blame(function)
        return 0

    cdef int blame(self, object function) except -1:
        """While an exception of a posted call is handled: end the connection that it was for."""
        owner = getattr(function, "__self__", None)
        if not isinstance(owner, Watched):
            owner = getattr(owner, "connection", None)
        if isinstance(owner, Watched):
            return self.report(<Watched>owner)
        with contextlib.suppress(Exception):
            log.exception("Error in a callback of the server")
        return 0

    cdef int arm(self) except -1:
        """Set the poller's timer for the earliest deadline; no system call if it is set for that or earlier already."""
        cdef int64_t due = self.timers.next_due(self.now)
        if due < 0:
            return 0
        if self._armed < 0 or due < self._armed:
            self.poller.wake_at(due - self.now if due > self.now else 1)
            self._armed = due
        return 0

    cdef int report(self, Watched watched) except -1:
        """An exception that nobody caught: log it, end that connection, serve the others.  There may be no memory to log it.

        Nor for its traceback: then Cython (3.3) crashes at a `return` inside `except`, which so does not stand where memory may run out.
        """
        try:
            log.exception("Error in the server, not in the application: the connection is closed")
        except BaseException:
            pass
        try:
            watched.on_error()
        except BaseException:
            try:
                log.exception("Error while closing the connection")
            except BaseException:
                pass
        return 0

    def close(self):
        """Release the poller's descriptors, after the calls that threads have posted.  Everything watched must have been forgotten."""
        self._closed = True
        while self._done or self._for_loop:
            function, argument = self._done.popleft() if self._done else self._for_loop.popleft()
            self.call(function, argument)
        self._position = self._count = 0
        self._ready.clear()
        self._eager.clear()
        self._pass, self._next = [], 0
        self._graveyard.clear()
        self.poller.close()

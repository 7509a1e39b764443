"""One poller turn inside somebody else's event loop (D1).

The asyncio loop watches one descriptor, the poller's, which is readable while events wait.  A turn waits for nothing, handles at
most one batch for at most TURN_BUDGET, and leaves.  Events are edge-triggered: what a turn leaves over, it remembers itself, in the
poller's batch and in the ready list, and asks the loop to come back.

A turn runs in the loop's thread.  While an inline call there lasts too long, the watchdog's thread serves instead, by `rescue`: so what is
not finished in one step stands in the reactor, not in a frame.
"""

import contextlib
import logging

from libc.stdint cimport int64_t

from kolben.http._plan cimport SLOW
from kolben.net._poller cimport EVENTS_PER_WAIT, Event, MARK, TIMER
from kolben.net._timers cimport TICK, Timer
from kolben.server._agenda cimport Agenda
from kolben.server._backlog cimport Backlog
from kolben.server._deferred cimport Deferred, WAIT
from kolben.server._lease cimport HELD, TAKEN, WANTED, microseconds
from kolben.server._running_loop cimport is_running_loop, set_running_loop, unset_running_loop
from kolben.server._usage cimport Usage, look, own_share
from kolben.server._watched cimport Watched, blame, report

cdef object log = logging.getLogger("kolben.server")


cdef class Reactor(Agenda):

    def __init__(self, loop, *, clock=None):
        super().__init__(loop, clock=clock)
        self._pass = []
        self._budget = TURN_BUDGET
        self.backlog = Backlog("their turn", 0, 0)
        self._deferred = Deferred()

    # ------------------------------------------------ answers of one batch, sent together

    cdef bint defer(self, Watched watched, const unsigned char *p, Py_ssize_t n) except -1:
        if not self._in_turn or self._position >= self._count:        # nothing else comes in this batch
            return False
        return self._deferred.take(watched, p, n, self._present)

    cdef int send_deferred(self) except -1:
        self._present_is_new = False
        return self._deferred.send()

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

    def rescue(self, say):
        """In the watchdog's thread: serve until the call that lasts has ended; False if none lasts any more.

        `say` is called with the name of what runs, the first time, the second, the fourth ...
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
                say(name)
        except BaseException:
            report(caller)
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
        if self._deferred.count:
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
        if self._deferred.count and present - self._deferred.since > WAIT:
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
                        report(watched)
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
                    report(watched)
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
                    report(watched)
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
                    report(watched)
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
            blame(function)
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

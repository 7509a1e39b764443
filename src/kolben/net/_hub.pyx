"""One poller nested in an asyncio loop, for all sockets that tasks of this loop wait on.

When the poller has something, the loop calls a turn of the hub, as any other callback; the turn tells each socket what came.
Refuses to know what a socket does then, who waits on it, and what the bytes are.  Ancestry: server/_reactor, whose turn has the
same shape.

PERF: a turn with many events has three phases: all sockets receive, all tasks are stepped, all streams send what their tasks gave them.
Each finds its code, the kernel's and the interpreter's, still in the processor's caches; message by message took a twentieth more of the
processor's time, for 200 instructions less.  bench/echo.py.

Invariants: events are edge-triggered.  The poller's batch may point to sockets that are gone: forget() strikes them out.
"""

from libc.stdint cimport int64_t

from kolben.net._poller cimport Event, Poller, TIMER
from kolben.net._socket cimport microseconds
from kolben.net._timers cimport Timer, Timers

cdef enum:
    TURN_BUDGET = 1000        # microseconds; what is left waits for the loop's next round
    STRIDE = 8                # events between two looks at the clock
    MANY = 8                  # events from which on a turn has phases: with fewer, what is sent goes at once

cdef object get_running_loop = None       # asyncio's: the blocking form does without asyncio
cdef dict hubs = {}           # of each loop that has one
cdef Hub last = None          # asked for last


cdef Hub current_hub():
    """The hub of the running loop; made if there is none."""
    global get_running_loop, last
    if get_running_loop is None:
        from asyncio import get_running_loop
    loop = get_running_loop()
    if last is not None and last.loop is loop and not last.closed:
        return last
    last = hubs.get(loop)
    if last is None or last.closed:
        for other in [hub for hub in hubs.values() if hub.loop.is_closed()]:
            other.close()
        last = hubs[loop] = Hub(loop)
    return last


async def until_the_loop_ends(Hub hub):
    """A loop closes its asynchronous generators before itself: the one moment when the poller's descriptors can be given back."""
    try:
        yield
    finally:
        hub.close()


cdef class Watched:

    cdef int on_event(self, int flags) except -1:
        return 0

    cdef int prefetch(self, int flags) except -1:
        return flags

    cdef int uncork(self) except -1:
        return 0

    cdef int on_turn(self) except -1:
        return 0

    cdef int on_time(self, Timer *timer) except -1:
        return 0

    cdef int on_loop_end(self) except -1:
        return 0


cdef class Hub:

    def __init__(self, loop):
        from asyncio import tasks

        self.loop = loop
        self._swap_current_task = getattr(tasks, "_swap_current_task", None)      # since Python 3.12
        self._current_tasks = tasks._current_tasks if self._swap_current_task is None else None
        self.poller = Poller()
        self.timers = Timers()
        self._ready = []
        self._corked = []
        self._armed = -1
        self._asked_turn = self.asked_turn
        self.get_loop = lambda: loop
        self.finished = loop.create_future()
        self.finished.set_result(None)
        self.read_clock()
        loop.add_reader(self.poller.fileno(), self.turn)
        self._ends = until_the_loop_ends(self)
        try:
            self._ends.__anext__().send(None)
        except StopIteration:
            pass

    cdef int64_t read_clock(self) noexcept:
        self.now = microseconds() // 1000
        return self.now

    # ------------------------------------------------ what is watched

    cdef int watch(self, Watched watched) except -1:
        if self.closed:
            raise RuntimeError("the event loop of this socket is closed")
        self.poller.add(watched.fd, <void *>watched)
        watched.previous = NULL
        watched.following = self._first
        if self._first != NULL:
            (<Watched>self._first).previous = <void *>watched
        self._first = <void *>watched
        watched.linked = True
        return 0

    cdef int forget(self, Watched watched) except -1:
        """Before the descriptor is closed."""
        cdef int i
        self.timers.clear(&watched.read_timer)
        self.timers.clear(&watched.write_timer)
        if not watched.linked:
            return 0
        watched.linked = False
        if watched.previous == NULL:
            self._first = watched.following
        else:
            (<Watched>watched.previous).following = watched.following
        if watched.following != NULL:
            (<Watched>watched.following).previous = watched.previous
        watched.previous = watched.following = NULL
        for i in range(self._position, self._count):
            if self.poller.events[i].owner == <void *>watched:
                self.poller.events[i].owner = NULL
                self.poller.events[i].flags = 0
        if not self.closed:
            self.poller.remove(watched.fd)
        return 0

    cdef int go_on(self, Watched watched) except -1:
        if not watched.in_ready:
            watched.in_ready = True
            self._ready.append(watched)
            self.come_back()
        return 0

    cdef int cork(self, Watched watched) except -1:
        self._corked.append(watched)
        return 0

    cdef int uncork(self) except -1:
        cdef list corked = self._corked
        self.is_corking = False
        if corked:
            self._corked = []
            for watched in corked:
                (<Watched>watched).uncork()
        return 0

    cdef int set_timer(self, Timer *timer, int64_t due) except -1:
        self.timers.set(timer, self.now, due)
        if self._depth == 0:
            self.arm()
        return 0

    cdef int arm(self) except -1:
        """Set the poller's timer for the earliest deadline; no system call if it is set for that or earlier already."""
        cdef int64_t due = self.timers.next_due(self.now)
        if due >= 0 and (self._armed < 0 or due < self._armed):
            self.poller.wake_at(due - self.now if due > self.now else 1)
            self._armed = due
        return 0

    # ------------------------------------------------ whose turn it is

    cdef int enter(self, object task) except -1:
        if self._current is not task:
            self._current = task
            if self._swap_current_task is not None:
                self._swap_current_task(self.loop, task)
            else:
                self._current_tasks[self.loop] = task
        return 0

    cdef int leave(self) except -1:
        if self._current is not None:
            self._current = None
            if self._swap_current_task is not None:
                self._swap_current_task(self.loop, None)
            else:
                self._current_tasks.pop(self.loop, None)
        return 0

    # ------------------------------------------------ the turn

    cdef int come_back(self) except -1:
        """Ask the loop for a turn although no event waits in the kernel."""
        if not self._turn_is_scheduled and self._depth == 0:
            self.loop.call_soon(self._asked_turn)
            self._turn_is_scheduled = True
        return 0

    def asked_turn(self):
        """The turn that come_back() asked for: one at a time, however many the poller causes meanwhile."""
        self._turn_is_scheduled = False
        self.turn()

    def turn(self):
        """Step the tasks that something has come for.  Called by the loop when the poller is readable."""
        if self.closed:
            return
        task = self._current
        self._depth += 1
        try:
            self.serve()
        finally:
            self.uncork()
            self._depth -= 1
            self.leave() if task is None else self.enter(task)
            if not self.closed:
                self.arm()
                if self._position < self._count or self._ready:
                    self.come_back()

    cdef int serve(self) except -1:
        cdef Event event
        cdef Watched watched
        cdef int64_t began
        if self._position >= self._count:
            self._position = self._count = 0
            self._count = self.poller.wait(0)
            if self._count >= MANY:
                self.prefetch()
        self.is_corking = self._count - self._position >= MANY
        began = microseconds()
        self.now = began // 1000
        if 0 <= self._armed <= self.now:
            self._armed = -1
            self.run_timers()
        if self._ready:
            self.run_ready()
        while self._position < self._count:
            event = self.poller.events[self._position]
            self._position += 1
            if event.owner != NULL:
                watched = <Watched>event.owner
                watched.on_event(event.flags)
                # PERF: reading the clock costs as much as a hundred instructions.
                if self._position % STRIDE == 0 and microseconds() - began > TURN_BUDGET:
                    break
            elif event.flags & TIMER:
                self._armed = -1
                self.run_timers()
        return 0

    cdef int prefetch(self) except -1:
        cdef Event *event
        cdef int i
        for i in range(self._count):
            event = &self.poller.events[i]
            if event.owner != NULL:
                event.flags = (<Watched>event.owner).prefetch(event.flags)
        return 0

    cdef int run_ready(self) except -1:
        cdef Watched watched
        ready, self._ready = self._ready, []
        for watched in ready:
            watched.in_ready = False
        for watched in ready:
            if watched.fd >= 0:
                watched.on_turn()
        return 0

    cdef int run_timers(self) except -1:
        cdef Timer *timer = self.timers.pop(self.now)
        while timer != NULL:
            (<Watched>timer.owner).on_time(timer)
            timer = self.timers.pop(self.now)
        return 0

    def close(self):
        """Give the descriptors back.  Sockets that are still open stay open, but nobody can wait on them any more."""
        cdef Watched watched
        if self.closed:
            return
        self.uncork()
        if not self.loop.is_closed():
            self.loop.remove_reader(self.poller.fileno())
        while self._first != NULL:
            watched = <Watched>self._first
            self.forget(watched)
            watched.on_loop_end()
        self.closed = True
        self._position = self._count = 0
        self._ready = []
        self.poller.close()
        hubs.pop(self.loop, None)

"""The lease on a server's core, and how the watchdog takes it from a call that does not end (D3).

The core is what a turn works with: the poller and its batch, the ready list, the timers, the calls that threads have posted, the
deferred answers, the engine's parser and buffers.  One thread at a time holds the lease on it, and nobody else touches it.

    state    holder             move    by              when
    HELD     loop's thread      begin   loop's thread   it calls a plan inline                            -> CALL
    CALL     loop's thread      end     loop's thread   the call has ended                                -> HELD
    CALL     loop's thread      take    watchdog        the call lasts RESCUE_AFTER                       -> TAKEN
    TAKEN    watchdog           want    loop's thread   the late call has ended; it wakes the watchdog
                                                        where that polls, and waits at the door           -> WANTED
    WANTED   watchdog           give    watchdog        its step is done; it opens the door               -> HELD
    HELD     loop's thread      begin   loop's thread   it makes the first step of a task                 -> STEP
    STEP     loop's thread      end     loop's thread   that step is done                                 -> HELD

Rules that the rest of the server keeps:
- Every move is made with the GIL held and lets nobody else run in its middle.
- The watchdog never begins: what would run inline runs in the pool while it serves, so a rescue is never nested.  Tasks, and
  whatever else belongs to the loop, wait for it (`Reactor.post_to_loop`).
- While a call runs, nothing of the core stands in a local variable of the frames below it that is needed after it, but the
  bytes of its own peer, in a read buffer that the watchdog does not use (`Engine.exchange_buffers`).
- A late call ends as a call of the pool: its answer is posted, and that only when the lease is back.

The watchdog looks without the GIL.  It sleeps without limit when nothing has begun for a while; that it does so it writes down with the
GIL held, so whoever begins a call after that sees it, and rings.

tests/models/lease.py walks through every interleaving of these moves; keep it in step by hand.
"""

from libc.stdint cimport int64_t

from kolben.base._alive cimport LEASES, counts
from kolben.net._poller cimport Poller

cdef extern from "pythread.h" nogil:
    ThreadLock PyThread_allocate_lock()
    void PyThread_free_lock(ThreadLock lock)
    int PyThread_acquire_lock(ThreadLock lock, int wait)
    int PyThread_acquire_lock_timed(ThreadLock lock, long long microseconds, int interruptible)
    void PyThread_release_lock(ThreadLock lock)

cdef extern from * nogil:
    """
    /* What the watchdog reads without the GIL.  Nothing else hangs on the order: it looks again when it has the GIL. */
    #define kolben_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
    #define kolben_store(p, value) __atomic_store_n((p), (value), __ATOMIC_RELAXED)
    #define kolben_exchange(p, value) __atomic_exchange_n((p), (value), __ATOMIC_SEQ_CST)
    """
    int load_int "kolben_load"(int *p)
    int64_t load_long "kolben_load"(int64_t *p)
    void store_int "kolben_store"(int *p, int value)
    void store_long "kolben_store"(int64_t *p, int64_t value)
    int exchange "kolben_exchange"(int *p, int value)

cdef enum:
    TICK = 10000              # microseconds between two looks while calls begin: a call is found RESCUE_AFTER at the latest
    TEST_TICK = 500           # likewise where a test moves the clock
    LINGER = 8                # looks without a call before the watchdog goes to sleep


cdef class Lease:

    def __cinit__(self, Poller poller not None, clock=None):
        self.poller = poller
        self.clock = clock
        self.clocked = clock is not None
        self.asleep = True
        self.reported = -1
        self.bell = PyThread_allocate_lock()
        self.door = PyThread_allocate_lock()
        if self.bell == NULL or self.door == NULL:
            raise MemoryError
        PyThread_acquire_lock(self.bell, 1)
        PyThread_acquire_lock(self.door, 1)

    def __dealloc__(self):
        if self.bell != NULL:
            PyThread_free_lock(self.bell)
        if self.door != NULL:
            PyThread_free_lock(self.door)

    @property
    def begun(self):
        """How many calls and steps have begun."""
        return self.count

    @property
    def is_asleep(self):
        """Whether the watchdog has to be woken for the next call."""
        return self.asleep

    cdef int64_t now(self) except -1:
        return <int64_t>self.clock() * 1000 if self.clocked else microseconds()

    # ------------------------------------------------ the loop's thread

    cdef int begin(self, int state, void *caller, int64_t since) except -1:
        if self.state != HELD:
            raise RuntimeError("a call cannot begin inside another, or without the lease")
        while self.asleep:                    # again, if it fell asleep while it was being started, for which the GIL is given away
            self.ring()
        self.caller = caller
        store_long(&self.since, since)
        store_long(&self.count, self.count + 1)
        store_int(&self.state, state)
        return 0

    cdef int64_t end(self) except -2:
        cdef int64_t now
        if self.state == CALL or self.state == STEP:
            store_int(&self.state, HELD)
            self.caller = NULL
            now = self.now()
            return now - self.since if now > self.since else 0
        self.want()
        return -1

    cdef int want(self) except -1:
        store_int(&self.state, WANTED)
        self.poller.wake()                    # after it was said: who wakes up finds it
        with nogil:
            PyThread_acquire_lock(self.door, 1)
        return 0

    cdef int ring(self) except -1:
        """Wake the watchdog, or have it started."""
        self.asleep = False
        start, self.on_first = self.on_first, None
        if start is not None:
            try:
                start()
            except BaseException:
                self.await_first(start)
                raise
        elif exchange(&self.napping, 0):
            PyThread_release_lock(self.bell)
        return 0

    def await_first(self, start):
        """Have `start` called before the next call or step: it starts the watchdog.  In the loop's thread."""
        if not self.closing:
            self.on_first, self.asleep = start, True

    def close(self):
        """Let the watchdog end.  In the loop's thread, which holds the lease."""
        store_int(&self.closing, 1)
        self.on_first = None
        self.ring()

    # ------------------------------------------------ the watchdog's

    cdef bint take(self) except -1:
        if self.state != CALL or self.now() - self.since < RESCUE_AFTER:
            return False
        store_int(&self.state, TAKEN)
        counts[LEASES] += 1
        return True

    cdef int give(self) except -1:
        self.caller = NULL
        counts[LEASES] -= 1
        store_int(&self.state, HELD)
        PyThread_release_lock(self.door)
        return 0

    cdef bint take_note(self) except -1:
        if self.state != STEP or self.count == self.reported or self.now() - self.since < BLOCKED_AFTER:
            return False
        self.reported = self.count
        return True

    def wait(self, double task_tick):
        """Sleep until there is something to see: LASTS, CLOSED, or QUIET after `task_tick` seconds with unfinished tasks."""
        cdef int seen
        cdef int64_t limit = <int64_t>(task_tick * 1000000)
        while True:
            with nogil:
                seen = self.tick()
            if seen != QUIET:
                return seen
            if self.closing:
                return CLOSED
            if self.state != HELD:
                continue                      # something began while the GIL was asked for
            if self.tasks:
                if not self.rest(limit):
                    return QUIET
            else:
                self.rest(-1)

    def rest(self, int64_t limit):
        """Nap so many microseconds, -1: without limit, unless a call begins; return whether one did."""
        cdef bint rung
        if self.closing:
            return True
        self.asleep = True                    # said with the GIL held: whoever begins a call from now on rings
        store_int(&self.napping, 1)
        with nogil:
            rung = self.nap(limit)
        self.asleep = False
        return rung

    cdef int tick(self) noexcept nogil:
        cdef int64_t left, count, before = load_long(&self.count)
        cdef int state, quiet = 0
        cdef bint runs
        while quiet < LINGER:
            if load_int(&self.closing):
                return CLOSED
            state = load_int(&self.state)
            count = load_long(&self.count)
            runs = state != HELD and count != self.reported
            left = TICK
            if runs and not self.clocked:
                left = load_long(&self.since) + (RESCUE_AFTER if state == CALL else BLOCKED_AFTER) - microseconds()
                if left <= 0:
                    return LASTS
            quiet = 0 if runs or count != before else quiet + 1
            before = count
            store_int(&self.napping, 1)
            self.nap(TEST_TICK if self.clocked else min(left, TICK))
            if runs and self.clocked:
                return LASTS                  # perhaps: who has the GIL reads that clock
        return QUIET

    cdef bint nap(self, int64_t limit) noexcept nogil:
        """Wait for the bell, `napping` being set; return whether it rang."""
        if PyThread_acquire_lock_timed(self.bell, limit, 0):
            return True
        if exchange(&self.napping, 0):
            return False
        PyThread_acquire_lock(self.bell, 1)   # it rings at this moment
        return True

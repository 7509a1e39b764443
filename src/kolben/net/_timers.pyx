# cython: cdivision=True
# cdivision: every time is >= 1 and every divisor a positive constant, so C's division is Python's.
"""A hashed timing wheel: deadlines set, moved and cleared in O(1), without a Python object each.

Ancestry: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 6.  Refuses to read a clock: every call is told `now`.

Exactly:

- A deadline belongs to the first tick that is not before it: tick t, at t * TICK milliseconds, with t * TICK >= due.  It comes
  out of the first pop() whose `now` is in that tick or later.  So it is never early, and late by less than TICK plus what
  passes between two rounds of pop().
- One that is already past when it is set comes out in the next tick, not in this one: a loop that calls pop() until NULL and sets
  what it gets ends.
- Times are clamped to 1 .. FAR.  The clock may stand still or jump ahead; if `now` goes back, nothing happens until it has caught up.

Invariants:

- A timer in a slot is looked at in the next tick after `_tick` that is congruent to the slot, and its own tick is not before that one.
  A deadline that moves away keeps that true in its old slot; only one that comes nearer changes lists.
- A timer that a sweep found due waits in `_expired` for pop(); it may be set again or cleared there.
- A timer is linked if and only if `next` is not NULL; `count` counts the linked.
- A bit in `_occupied` is set exactly while its slot has a timer.
"""

import sys
from types import GenericAlias

cdef extern from * nogil:
    """
    #include <stdint.h>
    static int kb_lowest_bit(uint64_t word) { return __builtin_ctzll(word); }   /* word is not 0 */
    """
    int kb_lowest_bit(uint64_t word)

cdef enum:
    EXPIRED = SLOTS       # the slot number of a timer that waits in _expired

cdef int64_t FAR = (<int64_t>1) << 60      # milliseconds; sums with TICK and SLOTS * TICK still fit


cdef inline int64_t tick_of(int64_t due) noexcept:
    """The first tick that is not before `due`."""
    return (due + TICK - 1) // TICK


cdef class Timers:

    def __cinit__(self):
        cdef int slot
        for slot in range(SLOTS):
            self._slots[slot].next = self._slots[slot].previous = &self._slots[slot]
        self._expired.next = self._expired.previous = &self._expired

    def __dealloc__(self):
        # Whoever outlives the wheel (against the rule) finds its timer unset, not linked to memory that is gone.
        cdef int slot
        for slot in range(SLOTS):
            self._unset_all(&self._slots[slot])
        self._unset_all(&self._expired)

    cdef void _unset_all(self, Timer *head) noexcept:
        cdef Timer *timer = head.next
        while timer != head:
            self.clear(timer)
            timer = head.next

    cdef void set(self, Timer *timer, int64_t now, int64_t due) noexcept:
        cdef int64_t looked_at
        if self.count == 0 and self._tick < now // TICK:
            self._tick = now // TICK        # nothing to sweep in between
        timer.due = min(max(due, 1), FAR)
        if timer.next != NULL:
            if timer.slot != EXPIRED:
                looked_at = self._tick + 1 + self._distance(timer.slot)
                if tick_of(timer.due) >= looked_at:
                    return
            self._unlink(timer)
        self._link(timer)

    cdef void clear(self, Timer *timer) noexcept:
        if timer.next != NULL:
            self._unlink(timer)
        timer.due = 0

    cdef Timer *pop(self, int64_t now) noexcept:
        cdef Timer *timer
        if now // TICK > self._tick and self.count > 0:
            self._sweep(min(now, FAR))
        timer = self._expired.next
        if timer == &self._expired:
            return NULL
        self._unlink(timer)
        timer.due = 0
        return timer

    cdef int64_t next_due(self, int64_t now) noexcept:
        cdef int start, word, i
        cdef uint64_t bits
        if self.count == 0:
            return -1
        if self._expired.next != &self._expired:
            return now
        # The slots after _tick, once round; the word where it starts is looked at twice, first its upper bits, at last all of it.
        start = (self._tick + 1) % SLOTS
        for i in range(WORDS + 1):
            word = (start // 64 + i) % (WORDS)
            bits = self._occupied[word]
            if i == 0:
                bits &= ~<uint64_t>0 << (start % 64)
            if bits != 0:
                return (self._tick + 1 + self._distance(word * 64 + kb_lowest_bit(bits))) * TICK
        return -1       # not reached: count > 0

    # --- lists -------------------------------------------------------------------------------------------------------------

    cdef int64_t _distance(self, int slot) noexcept:
        """How many ticks from the one after _tick until the slot is looked at: 0 .. SLOTS - 1."""
        return (slot - (self._tick + 1) % SLOTS + SLOTS) % SLOTS

    cdef void _link(self, Timer *timer) noexcept:
        """Put an unlinked timer into the slot of its tick, or of the next tick if that one was swept."""
        cdef int slot = max(tick_of(timer.due), self._tick + 1) % SLOTS
        self._insert(timer, &self._slots[slot], slot)
        self._occupied[slot // 64] |= (<uint64_t>1) << (slot % 64)

    cdef void _insert(self, Timer *timer, Timer *head, int slot) noexcept:
        timer.slot = slot
        timer.next = head.next
        timer.previous = head
        head.next.previous = timer
        head.next = timer
        self.count += 1

    cdef void _unlink(self, Timer *timer) noexcept:
        cdef int slot = timer.slot
        timer.previous.next = timer.next
        timer.next.previous = timer.previous
        timer.next = timer.previous = NULL
        self.count -= 1
        if slot != EXPIRED and self._slots[slot].next == &self._slots[slot]:
            self._occupied[slot // 64] &= ~((<uint64_t>1) << (slot % 64))

    # --- sweeping ----------------------------------------------------------------------------------------------------------

    cdef void _sweep(self, int64_t now) noexcept:
        """Look at every slot whose tick has come since the last time, each once however far the clock went."""
        cdef int64_t target = now // TICK
        cdef int64_t tick = max(self._tick + 1, target - SLOTS + 1)
        cdef int slot
        self._tick = target         # first: what is not due yet is linked after it
        while tick <= target:
            slot = tick % SLOTS
            if self._occupied[slot // 64] >> (slot % 64) & 1:
                self._sweep_slot(slot)
            tick += 1

    cdef void _sweep_slot(self, int slot) noexcept:
        cdef Timer *head = &self._slots[slot]
        cdef Timer *timer = head.next
        cdef Timer *following
        while timer != head:
            following = timer.next
            if tick_of(timer.due) <= self._tick:
                self._unlink(timer)
                self._insert(timer, &self._expired, EXPIRED)
            elif tick_of(timer.due) % SLOTS != slot:
                self._unlink(timer)
                self._link(timer)
            timer = following


cdef class Deadlines:
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self):
        self._timers = Timers()

    def add(self, value):
        return Deadline(self, value)

    def expired(self, int64_t now, Py_ssize_t limit=sys.maxsize):
        cdef Timer *timer
        found = []
        while len(found) < limit:
            timer = self._timers.pop(now)
            if timer == NULL:
                break
            found.append((<Deadline>timer.owner).value)
        return found

    def next_due(self, int64_t now):
        cdef int64_t due = self._timers.next_due(now)
        return due if due >= 0 else None

    def __len__(self):
        return self._timers.count


cdef class Deadline:
    __class_getitem__ = classmethod(GenericAlias)

    def __cinit__(self, Deadlines deadlines not None, value):
        self._timers = deadlines._timers
        self._timer.owner = <void *>self
        self.value = value

    def __dealloc__(self):
        if self._timers is not None:        # it is None when __cinit__ failed
            self._timers.clear(&self._timer)

    @property
    def due(self):
        return self._timer.due if self._timer.due else None

    def set(self, int64_t now, int64_t due):
        self._timers.set(&self._timer, now, due)

    def clear(self):
        self._timers.clear(&self._timer)

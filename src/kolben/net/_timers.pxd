"""The map of the timing wheel: deadlines in native code, set and moved in O(1), without a Python object each."""

cimport cython
from libc.stdint cimport int64_t, uint64_t

cpdef enum:
    TICK = 64             # milliseconds: deadlines are coarse and never early
    SLOTS = 512           # one turn of the wheel: about 33 s; what is due later goes round again
    WORDS = 8             # SLOTS / 64


cdef struct Timer:        # plain memory inside its owner; zeroed is unset
    Timer *next
    Timer *previous
    int64_t due           # milliseconds, monotonic; 0: unset
    int slot
    void *owner


cdef class Timers:
    """Owns nothing but the wheel: a Timer's owner must clear() it before its memory goes.

    That owner must still hold the Timers then: mark its class `@cython.no_gc_clear`, or the collector may have taken it away.
    """

    cdef Timer _slots[SLOTS]          # list heads
    cdef uint64_t _occupied[WORDS]     # a bit for each slot that has a timer
    cdef Timer _expired               # list head of what a sweep found due and pop() has not returned yet
    cdef int64_t _tick                # the last tick that was swept
    cdef readonly Py_ssize_t count

    # Moving a deadline further away touches no list: the timer is put right when its old slot comes up.
    cdef void set(self, Timer *timer, int64_t now, int64_t due) noexcept
    cdef void clear(self, Timer *timer) noexcept
    # The next timer that is due at `now`, unset and unlinked, or NULL.  Call until NULL: the order within a tick is undefined.
    cdef Timer *pop(self, int64_t now) noexcept
    # When to look again: before it pop() returns NULL, at it perhaps (a moved deadline may be found to be later still).
    # -1 if nothing is set.
    cdef int64_t next_due(self, int64_t now) noexcept

    cdef void _unset_all(self, Timer *head) noexcept
    cdef int64_t _distance(self, int slot) noexcept
    cdef void _link(self, Timer *timer) noexcept
    cdef void _insert(self, Timer *timer, Timer *head, int slot) noexcept
    cdef void _unlink(self, Timer *timer) noexcept
    cdef void _sweep(self, int64_t now) noexcept
    cdef void _sweep_slot(self, int slot) noexcept


cdef class Deadlines:
    """A wheel for Python: its timers are Deadlines, and what expires are their values."""

    cdef Timers _timers


@cython.no_gc_clear       # __dealloc__ still needs _timers
cdef class Deadline:
    cdef Timers _timers
    cdef Timer _timer
    cdef readonly object value

"""The map of the timing wheel: deadlines in native code, set and moved in O(1), without a Python object each."""

from libc.stdint cimport int64_t, uint64_t

cdef enum:
    TICK = 64             # milliseconds: deadlines are coarse and never early
    SLOTS = 512           # one turn of the wheel: about 33 s; what is due later goes round again


cdef struct Timer:        # plain memory inside its owner; zeroed is unset
    Timer *next
    Timer *previous
    int64_t due           # milliseconds, monotonic; 0: unset
    int slot
    void *owner


cdef class Timers:
    """Owns nothing but the wheel: a Timer's owner must clear() it before its memory goes."""

    cdef Timer _slots[SLOTS]          # list heads
    cdef uint64_t _occupied[SLOTS // 64]
    cdef int64_t _tick                # the last tick that was swept
    cdef readonly Py_ssize_t count

    # Moving a deadline further away touches no list: the timer is put right when its old slot comes up.
    cdef void set(self, Timer *timer, int64_t now, int64_t due) noexcept
    cdef void clear(self, Timer *timer) noexcept
    # The next timer that is due at `now`, unset and unlinked, or NULL.  Call until NULL: the order within a tick is undefined.
    cdef Timer *pop(self, int64_t now) noexcept
    # When to look again at the latest (a lower bound of the earliest due time), or -1 if nothing is set.
    cdef int64_t next_due(self, int64_t now) noexcept

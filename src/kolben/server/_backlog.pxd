"""The map of who is refused when the server is behind."""

from libc.stdint cimport int64_t

cdef enum:
    WINDOW = 1000000          # microseconds over which is judged whether it still is;
    IDLE_SHARE = 16           # it is not when a share of one in so many was idle

cdef extern from "<stdint.h>":
    int64_t NEVER "INT64_MAX"


cdef class Backlog:
    """The rule for one queue.  With the GIL held; by the loop's thread and, for the pool's queue, by its threads."""

    cdef str what                     # requests wait for
    cdef int64_t patience             # microseconds
    cdef int64_t target               # likewise, while the server is behind
    cdef readonly bint behind
    cdef public int64_t refused       # since it fell behind
    cdef int64_t window               # when the present one began, microseconds
    cdef int64_t idle, total          # in it

    cdef bint is_too_long(self, int64_t waited, int64_t now) except -1        # whether to refuse a request that waited so long
    cdef int fall_behind(self, int64_t now) except -1         # the queue is full
    # `idle` of `total`, whatever they count, were without work.
    cdef int observe(self, int64_t idle, int64_t total, int64_t now) except -1

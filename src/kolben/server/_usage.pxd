"""The map of what a thread has had of the machine."""

from libc.stdint cimport int64_t


cdef struct Usage:
    int64_t worked            # microseconds on a processor
    int64_t waits             # how often the thread gave its processor away, to wait for something
    int64_t holds             # how often that was taken from it


# Looks at the calling thread; False: this system does not tell.
cdef bint look(Usage *usage) noexcept
# How long a call has lasted to its own account, in microseconds, of `lasted`; `before` was looked at before it began, `after` at its end.
cdef int64_t own_share(int64_t lasted, const Usage *before, const Usage *after) noexcept

"""Whether a long call was slow, or the machine was busy: a thread that others keep from its processor has not blocked anybody.

Where more threads want to run than there are processors, any call may last for some of their turns.  A view that lost running inline for
that would cost still more, just when there is least to spare.  So a call that gave its processor away by itself, to sleep, to read or to
wait for the interpreter, has lasted as long as the clock says; one from which it was only taken, as long as it worked.
"""

from libc.stdint cimport int64_t

cdef extern from *:
    """
    #include <sys/time.h>
    #include <sys/resource.h>

    static int ks_look(long long *worked, long long *waits, long long *holds) {
    #ifdef RUSAGE_THREAD
        struct rusage usage;
        if (getrusage(RUSAGE_THREAD, &usage) < 0) return 0;
        *worked = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        *waits = usage.ru_nvcsw;
        *holds = usage.ru_nivcsw;
        return 1;
    #else
        return 0;
    #endif
    }
    """
    bint ks_look(long long *worked, long long *waits, long long *holds) noexcept


cdef bint look(Usage *usage) noexcept:
    cdef long long worked = 0, waits = 0, holds = 0
    cdef bint known = ks_look(&worked, &waits, &holds)
    usage.worked, usage.waits, usage.holds = worked, waits, holds
    return known


cdef int64_t own_share(int64_t lasted, const Usage *before, const Usage *after) noexcept:
    if after.waits != before.waits or after.holds <= before.holds:
        return lasted
    return max(0, min(lasted, after.worked - before.worked))


def share_of(int64_t lasted, tuple before not None, tuple after not None):
    """What `own_share` says; for tests.  Each look is (worked, waits, holds)."""
    cdef Usage first, second
    first.worked, first.waits, first.holds = before
    second.worked, second.waits, second.holds = after
    return own_share(lasted, &first, &second)

"""The two protocols that tie the server to an app it does not know, and the record that decides where a plan runs (D3).

A plain view begins its life in the pool.  NEEDED calls in a row, each under QUICK, and it runs inline; one inline call over SLOW, or
one that had to be rescued, and it runs in the pool again, until a row of twice the length.  The server measures and tells; here is
only the rule.  A plan that is not pinned begins in the pool.
"""

from libc.stdint cimport int64_t

from kolben.http._request cimport RequestBase


cdef object ANSWERED = object()


cdef class Record:

    def __cinit__(self):
        self.needed = NEEDED

    cdef int lose(self) except -1:
        self.row = 0
        if self.is_inline:
            self.is_inline = False
            self.lost += 1
            self.needed = min(self.needed * 2, MOST_NEEDED)
        return 0

    cdef int count(self, int64_t lasted) except -1:
        """A call ended, after so many microseconds; -1 if nobody knows, as others were served meanwhile."""
        self.calls += 1
        self.total += max(lasted, 0)
        self.longest = max(self.longest, lasted)
        return 0


cdef class Plan:

    def __cinit__(self, *args, **kwargs):
        self.mode = THREAD
        self.needs_body = True
        self.timeout = -1
        self.name = ""
        self.record = Record()

    cpdef object run(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.run()")

    cpdef object run_async(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.run_async()")

    def go_on_with(self, Record record not None):
        """Stand where an earlier plan of the same steps stood."""
        self.record = record
        if record.is_inline and not self.pinned and self.mode == THREAD:
            self.mode = INLINE

    cpdef bint note_inline(self, int64_t lasted) except -1:
        """An inline call took so many microseconds."""
        self.record.count(lasted)
        if self.pinned:
            return False
        if lasted > SLOW:
            self.record.lose()
        if self.record.is_inline:
            return False
        self.mode = THREAD                    # or because a call of an earlier plan of the same steps has lost it
        return lasted > SLOW

    cpdef bint note_in_thread(self, int64_t lasted, bint disturbed) except -1:
        """A call in the pool took so many microseconds; `disturbed` if other threads ran beside it.

        With the interpreter shared, a short call may be kept waiting in its middle.  That breaks no row, it only shortens it: a view that
        is slow every fifth time never earns.
        """
        cdef Record record = self.record
        record.count(lasted)
        if self.pinned or record.is_lazy or self.mode == TASK:
            return False
        if record.is_inline:                  # meanwhile, in a call beside this one, or of an earlier plan of the same steps
            self.mode = INLINE
            return False
        if lasted >= QUICK:
            record.row = max(0, record.row - DISTURBED) if disturbed else 0
            return False
        record.row += 1
        if record.row < record.needed:
            return False
        record.row = 0
        record.is_inline = True
        record.earned += 1
        self.mode = INLINE
        return True

    cpdef bint note_rescue(self) except -1:
        """An inline call did not end, and somebody else serves now."""
        self.record.rescued += 1
        if self.pinned:
            return False
        self.record.lose()
        self.mode = THREAD
        return True

    cpdef bint note_lazy(self) except -1:
        """It has returned a body that is iterated over later, in the view's thread."""
        self.record.is_lazy = True
        if self.pinned or self.mode != INLINE:
            return False
        self.record.lose()
        self.mode = THREAD
        return True


cdef class Handler:

    cpdef Plan match(self, RequestBase request):
        raise NotImplementedError(f"{type(self).__name__}.match()")

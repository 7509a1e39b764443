"""The map of the two protocols that tie the server to an app it does not know (the lower room owns them)."""

from libc.stdint cimport int64_t

from kolben.http._request cimport RequestBase

cdef enum:
    INLINE = 0            # on the thread that reads the socket, at once
    THREAD = 1            # in the pool
    TASK = 2              # as a task of the event loop

# How a route earns running inline, and loses it again.  Microseconds, and calls.
cpdef enum:
    QUICK = 300           # a call under this counts
    SLOW = 5000           # an inline call over this loses it
    NEEDED = 50           # quick calls in a row; twice as many after each loss
    MOST_NEEDED = 3200
    DISTURBED = 5         # quick calls that a longer one takes away, if other threads ran beside it


cdef object ANSWERED          # what a task that has answered before its end returns


cdef class Record:
    """What is known of one route's calls.  Outlives the plan, which is made anew whenever something is registered."""

    cdef readonly long long calls
    cdef readonly int row             # quick calls of late
    cdef readonly int needed          # so long a row earns
    cdef readonly int earned, lost, rescued
    cdef readonly long long total     # microseconds of all calls that were timed: not of tasks, nor of rescued ones
    cdef readonly long long longest   # microseconds of the longest of them
    cdef readonly bint is_inline      # earned, and not lost
    cdef readonly bint is_lazy        # it has returned a lazy body, and earns nothing any more

    cdef int lose(self) except -1
    cdef int count(self, int64_t lasted) except -1


cdef class Plan:
    """All that happens to one request of one endpoint, from its first hook to its last teardown."""

    cdef public int mode              # INLINE, THREAD or TASK
    cdef public bint pinned           # `mode` stays as it is, whatever is measured
    cdef public bint needs_body       # False: the answer does not depend on it (404, 405, redirects)
    cdef public bint streams_body     # begins at the head, and reads the body while it comes: never inline
    cdef public bint ignores_disconnect   # a task runs on when its client has left
    cdef public double timeout        # seconds from when it may run to its response; 0: any time, -1: what the server says
    cdef public bint answers_early    # its task may go on behind its answer: what run_async() returns is given the `connection`
    cdef public object name           # for logs: "show_user", "404"
    cdef readonly Record record

    cpdef object run(self, RequestBase request)
    cpdef object run_async(self, RequestBase request)
    # What the server measured; each says whether `mode` has changed by that.
    cpdef bint note_inline(self, int64_t lasted) except -1
    cpdef bint note_in_thread(self, int64_t lasted, bint disturbed) except -1
    cpdef bint note_rescue(self) except -1
    cpdef bint note_lazy(self) except -1


cdef class Handler:
    """What the server, WSGI, ASGI and the test client all ask."""

    cdef public object lifespan       # Lifespan of plan.py: what happens before the first request and after the last; None: nothing
    cdef public object routes         # () -> list[Route] of plan.py: for whoever asks for figures; None: it has no rules
    cdef public object request_class  # RequestBase or a subclass whose constructor is Werkzeug's

    cpdef Plan match(self, RequestBase request)

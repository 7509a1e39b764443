"""What a reactor watches: a descriptor, a timer and what to do when something comes; and whose fault an exception is."""

import contextlib
import logging

cimport cython

cdef object log = logging.getLogger("kolben.server")


@cython.no_gc_clear       # as what is made of it
cdef class Watched:

    def __cinit__(self, *args, **kwargs):
        self.fd = -1
        self.timer.owner = <void *>self

    cdef int send_now(self, const unsigned char *p, Py_ssize_t n) except -1:
        return 0

    cdef int on_event(self, int flags) except -1:
        return 0

    cdef int on_timer(self) except -1:
        return 0

    cdef int on_ready(self) except -1:
        return 0

    cdef int on_error(self) except -1:
        return 0

    cdef object on_rescue(self):
        return self.running()

    cdef object running(self):
        return ""


cdef class Graveyard:

    cdef void bury(self, Watched watched) noexcept:
        watched.buried_before = self._last
        self._last = watched

    cpdef object clear(self):
        cdef Watched watched
        while self._last is not None:                     # one by one: a chain that goes as a whole recurses
            watched = self._last
            self._last, watched.buried_before = watched.buried_before, None


cdef int report(Watched watched) except -1:
    """An exception that nobody caught: log it, end that connection, serve the others.  There may be no memory to log it.

    Nor for its traceback: then Cython (3.3) crashes at a `return` inside `except`, which so does not stand where memory may run out.
    """
    try:
        log.exception("Error in the server, not in the application: the connection is closed")
    except BaseException:
        pass
    try:
        watched.on_error()
    except BaseException:
        try:
            log.exception("Error while closing the connection")
        except BaseException:
            pass
    return 0


cdef int blame(object function) except -1:
    """While an exception of a posted call is handled: end the connection that it was for."""
    owner = getattr(function, "__self__", None)
    if not isinstance(owner, Watched):
        owner = getattr(owner, "connection", None)
    if isinstance(owner, Watched):
        return report(<Watched>owner)
    with contextlib.suppress(Exception):
        log.exception("Error in a callback of the server")
    return 0

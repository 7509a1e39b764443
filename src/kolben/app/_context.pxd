"""The map of a context's native data."""

from kolben.http._scope cimport Current


cdef class GlobalsBase:
    """The native half of `g`: what can be used again."""

    cdef object __weakref__
    cdef dict __dict__

    cdef bint renew(self) except -1               # as a context's


cdef class ContextBase(Current):
    """What a context holds, made only when it is asked for: most requests never touch half of it."""

    cdef object __weakref__
    cdef dict extras                              # what extensions put on a context; None until one does
    cdef public object app
    cdef object globals_class                     # of `g`, where a plan knows it; else the app is asked
    cdef public object flashes
    cdef public object _request
    cdef public object _session
    cdef public object _host                      # the app context that was active before, when it is our app's
    cdef public Py_ssize_t _holds                 # streams that still need this context
    cdef public bint _entered                     # a plan made it current, without a push, and has not left it
    cdef public object _left_error                # what a held context was popped with
    cdef object globals_                          # `g`, once asked for
    cdef GlobalsBase spent_globals                # of the request before; None: none
    cdef object adapter                           # the MapAdapter, once asked for
    cdef list after                               # _after_request_functions, once asked for
    cdef list tokens                              # _cv_tokens, once asked for
    cdef bint adapter_made

    cdef object ensure_globals(self)
    cdef bint renew(self) except -1

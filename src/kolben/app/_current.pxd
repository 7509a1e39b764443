"""The map of what says which context is current, and makes one so."""

from kolben.app._context cimport ContextBase

cdef ContextBase app_context_alone()                      # the one that was pushed without a request; None: there is none
cdef ContextBase request_context()                        # the current request's; None: there is none
cdef int make_current(ContextBase context) except -1      # in a contextvars.Context that ends with the request
cdef int make_inner(ContextBase context) except -1        # likewise, where another may be current: of our app, it gives its `g`
cdef int push_app_context(ContextBase context) except -1  # as `push` does, without a signal; `pop` undoes it
cdef bint drop_app_context(ContextBase context) except -1     # as `pop`, without teardown and signals; False: only `pop` can do it

"""The map of the Contexts that requests run in."""

from cpython.object cimport PyObject

cdef object cv_scope              # contextvars.ContextVar: what is current, or the Scope that says it


# What is current in the running Context, borrowed; NULL: nothing.
cdef PyObject *current_value() except? NULL

# Whether the running Context is known to hold that, and no other variable.
cdef bint holds_nothing_else() noexcept

# Make something current in a Context that ends with the request.
cdef int set_value(object value) except -1


# One that was current in the running Context before, is as new, and is of that class; None: there is none.
cdef Current spent_of(object cls)


cdef class Current:
    """What is current in a Context, if it can be used again."""

    cdef bint renew(self) except -1   # become as new, for the one who has the only reference; False: it cannot, and is to be dropped


cdef class Scope:
    """A contextvars.Context made here, and what is current in it."""

    cdef object context
    cdef object value
    cdef Current spent            # what was current, as new; None: others have it
    cdef object mapping           # of the Context, as it was made: it is exactly as it was lent while that is its mapping
    cdef bint is_alone            # no other variable was set in the Context as it was made


cdef class Contexts:
    """Lends each request a Context; one is used again while nobody keeps any of it."""

    cdef object base              # contextvars.Context that each is a copy of
    cdef bint reuses
    cdef Scope spare

    cdef Scope lend(self)
    cdef int take_back(self, Scope scope) except -1

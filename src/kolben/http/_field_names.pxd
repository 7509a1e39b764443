"""The map of what fields are called elsewhere."""

from cpython.object cimport PyObject

cdef enum:
    KNOWN = 256               # names that are kept, at most: a peer that invents names must not fill memory
    SHARED_LONGEST = 64       # bytes of a name that is kept


cdef class FieldNames:
    """What the names of fields become somewhere else, in an environ or a scope: of most fields one object for all requests."""

    cdef PyObject *fields[KNOWN]      # bytes as they were sent, owned; NULL: free
    cdef PyObject *names[KNOWN]       # what they become, owned
    cdef object make                  # bytes -> name

    cdef object of(self, const unsigned char *p, Py_ssize_t n)        # p[0:n] has one byte at least

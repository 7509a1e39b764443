"""The map of what work leaves behind in its task."""


cdef class Traces:
    """What work leaves in the task and the Context that it ran in: whether other work may have both, and would not see it."""

    cdef object task
    cdef object context               # in which nothing is set
    cdef object name                  # of the task
    cdef Py_ssize_t task_references
    cdef Py_ssize_t context_references

    cpdef int note(self) except -1
    cpdef bint are_left(self) except -1

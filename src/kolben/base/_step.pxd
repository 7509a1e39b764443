"""The map of a coroutine's first step."""


cdef class FirstStep:
    """A coroutine whose first step is done at once: most never wait, and need no awaiting.

    One that does wait is awaited through this: what its first step yielded comes first, then it goes on by itself.
    """

    cdef object coroutine
    cdef readonly object value            # what it returned, or yielded
    cdef readonly bint returned
    cdef bint passed_on

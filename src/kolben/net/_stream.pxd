"""The map of awaited streams."""

from kolben.net._endpoint cimport Operation
from kolben.net._flow cimport Flow


cdef class Stream(Flow):
    """Bytes to and from one peer, in calls to be awaited."""

    cdef public Py_ssize_t line_limit
    cdef Operation spent              # a receive that is over: what the next recv() may use again

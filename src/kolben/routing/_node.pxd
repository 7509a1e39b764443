"""The map of the tree's nodes: where a search can stand, and what it finds there."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint32_t

from kolben.routing._match cimport Match
from kolben.routing._segment cimport Caught, Text


cdef class Entry:
    """One rule, at the node where its parts end."""

    cdef readonly object rule
    cdef object _endpoint
    cdef object _methods              # the rule's own set, or None
    cdef bint _websocket
    cdef bint _strict_slashes
    cdef bint _merge_slashes
    cdef tuple _names
    cdef tuple _conversions
    cdef object _defaults
    cdef bint _is_alias
    cdef bint _redirects
    cdef tuple _default_rules         # of its endpoint, that come first when URLs are built and provide defaults for it

    # Of `text`, which has not changed since that was caught in it.
    cdef Match make_match(self, const Text *text, const Caught *caught, Py_ssize_t count, str method, bint redirect_defaults)


cdef class Node:
    """Where a search stands after some parts of a path."""

    cdef dict _static                 # the next part -> Node
    cdef tuple _patterns              # tried in this order when that one led nowhere
    cdef tuple _pattern_nodes
    cdef tuple _entries
    cdef tuple _parts                 # of _static, and where each leads
    cdef tuple _children
    cdef int32_t *_places             # a hash table of the parts: their indices, or -1.  PERF: no str is made to look one up
    cdef Py_ssize_t _mask             # its size, a power of 2, less 1
    cdef Node _slash                  # what _static has under the empty part
    cdef dict _paths                  # whole static paths below it -> Node; None but for the root's children

    cdef int _fill_places(self) except -1
    cdef PyObject *child(self, const Text *text, Py_ssize_t start, Py_ssize_t end, uint32_t mixed) noexcept      # borrowed
    cdef Py_ssize_t most(self) except -1


cdef uint32_t hash_of(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept     # of text[start:end], within it

"""The map of the matcher: a native picture of a Map's rules, and the search in it."""

from kolben.routing._match cimport Match
from kolben.routing._node cimport Node


cdef class Picture:
    """The rules of a map at one version.  Never changed once made."""

    cdef readonly unsigned long long version
    cdef Node _root                   # None: this map's rules are searched by Werkzeug's own matcher
    cdef bint _merge_slashes
    cdef bint _redirect_defaults
    cdef Py_ssize_t _most             # values that one way through the tree can catch
    cdef object _spare                # what the last search used; None while one runs

    cdef object lend_search(self)
    cdef Match match(self, str domain, str path, str method, bint websocket)
    cdef Match match_bytes(self, str domain, const char *path, Py_ssize_t length, str method)

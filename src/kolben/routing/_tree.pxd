"""The map of a Map's tree: what finds its rules, whatever their version."""

from kolben.routing._match cimport Match
from kolben.routing._picture cimport Picture


cdef class Tree:
    """Finds rules for one Map.  Compiled when first asked after a change; rules may be added while others search.

    An owner compares `version` with what it saw to learn that rules or settings changed.
    """

    cdef readonly unsigned long long version
    cdef object _map
    cdef object _compile              # Map -> Picture
    cdef Picture _picture             # swapped as a whole: a search holds the one it began with

    # `domain` is the subdomain, or the host when the map matches hosts.  `path` is decoded, with or without its first
    # slash; `method` in any case.  Raises only what a converter raises, other than ValidationError.
    cdef Match match(self, str domain, str path, str method, bint websocket)
    # The same in path[0:length], which is ASCII with one slash at its front; whole static paths are not looked up as such, since
    # the caller remembers those.  Borrows it for this call.
    cdef Match match_bytes(self, str domain, const char *path, Py_ssize_t length, str method)
    cdef Picture _current(self)

"""The map of the matcher: a native picture of a Map's rules, and what one search in it yields."""

from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint32_t

from kolben.routing._segment cimport Caught, Pattern, Text


cpdef enum:                # Match.outcome
    FOUND = 0             # rule, endpoint and view_args are set
    NOT_FOUND = 1
    METHOD_NOT_ALLOWED = 2        # `allowed` is set
    WEBSOCKET_MISMATCH = 3
    REDIRECT_PATH = 4     # the right path stands in `path`, unquoted: a slash was missing, or several became one
    REDIRECT_ALIAS = 5    # `endpoint` and `view_args` name the canonical rule
    REDIRECT_DEFAULTS = 6         # `rule` is the one whose defaults are what was asked for
    REDIRECT_TO = 7       # `rule.redirect_to` says where to


cdef class Match:
    """What one search found.  It never raises: a missing rule, a wrong method and a redirect are outcomes, too."""

    cdef readonly int outcome
    cdef readonly object rule
    cdef readonly object endpoint
    cdef dict _view_args              # fresh for every match: the caller may change it; None: names and values say it
    cdef tuple names
    cdef list values                  # as many as names
    cdef readonly set allowed         # methods
    cdef readonly str path


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

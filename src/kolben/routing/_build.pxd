"""The map of the builder: endpoints and values to URLs."""

from kolben.routing._tree cimport Tree


cpdef enum:               # Slot.kind: how a value becomes text
    QUOTE = 0             # percent-encoded
    NUMBER = 1            # an int's digits
    ASK = 2               # by the converter's own to_url


cdef class Slot:
    """A place for a value in a URL."""

    cdef readonly str name
    cdef int _kind
    cdef object _converter

    # None if the converter made something that is no plain str.  Raises ValidationError, and whatever a converter raises.
    cdef str fill(self, object value)


cdef class Recipe:
    """How one rule's URLs are made."""

    cdef object _rule
    cdef object _trace                # the rule's: another one when the rule was bound again
    cdef object _methods
    cdef bint _websocket
    cdef bint _is_native              # else the rule's own methods are asked
    cdef tuple _domain                # of str and Slot
    cdef tuple _path
    cdef tuple _needed                # names that have no default
    cdef frozenset _known             # names that do not go to the query
    cdef dict _defaults
    cdef bint _sorts                  # the map sorts the query

    # (domain, path, websocket), or None if the rule does not take these values.
    cdef tuple build(self, dict values, object method, bint append_unknown)
    cdef bint _suits(self, dict values, object method) except -1
    cdef tuple _fill(self, dict values, bint append_unknown)
    cdef tuple _ask_rule(self, dict values, bint append_unknown)
    cdef str _query(self, dict values, bint append_unknown)


cdef class Endpoint:
    """The rules of one endpoint, the preferred first."""

    cdef list _rules                  # the map's own list, and how long it was
    cdef Py_ssize_t _count
    cdef tuple recipes

    cdef bint is_current(self, object rules) except -1


cdef class Builder:
    """Builds URLs for one Map.  Compiled endpoint by endpoint when first asked after a change."""

    cdef Tree _tree
    cdef object _map
    cdef object _compile              # (Map, rule) -> Recipe
    cdef bint _updates                # the map's update() is overridden, and called every time
    cdef unsigned long long _version
    cdef dict _rules_by_endpoint      # the map's own
    cdef dict _endpoints
    cdef bint host_matching           # as it was when the last URL was built

    # (domain, path, websocket) of the first rule that takes these values, or None.  `values` has no None in it.
    cdef tuple build_parts(
        self, object endpoint, dict values, object method, object default_method, bint append_unknown, object server_name,
    )
    cdef tuple _build_first(self, Endpoint rules, dict values, object method, bint append_unknown, object server_name)
    cdef Endpoint _endpoint(self, object endpoint)
    cdef int _refresh(self) except -1

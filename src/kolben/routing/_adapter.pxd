"""The map of an adapter's native half."""

from kolben.routing._build cimport Builder
from kolben.routing._tree cimport Tree


cdef class NativeAdapter:
    """What MapAdapter's methods read at every call, and the straight ways of its two: the attributes are Werkzeug's."""

    cdef public object map
    cdef public object server_name
    cdef public object script_name
    cdef public object subdomain
    cdef public object url_scheme
    cdef public object path_info
    cdef public object default_method
    cdef public object query_args
    cdef public object websocket
    cdef object _known_map            # whose tree and builder these are
    cdef Tree _tree
    cdef Builder _builder

    cdef int _know_map(self) except -1

    # build() without its parsing of arguments; `values` has no None in it.  Raises BuildError.
    cdef str make_url(self, object endpoint, dict values, object method, bint force_external, bint append_unknown, object url_scheme)


# The values that are there, a MultiDict's as one or as a list; the dictionary itself if none is missing.
cdef dict without_none(object values)

# A path behind the script's, with one slash between them.
cdef str join(str base, str path)

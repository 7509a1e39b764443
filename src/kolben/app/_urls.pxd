"""The map of url_for: what of an app its fast road rests on."""

from kolben.app._version cimport Version
from kolben.routing._build cimport Builder
from kolben.routing._tree cimport Tree


cdef class Links:
    """What url_for needs to know of one app.  Its attributes are set by urls.py, and hold while `is_current`.

    Borrows the app as an address that is compared and never followed: a copy of an app takes the links of the first along.
    """

    cdef void *_app
    cdef Version _version
    cdef long long _seen                  # the version that this was made at
    cdef Tree _tree                       # None: the map is somebody's own
    cdef unsigned long long _seen_map
    cdef Builder _builder                 # as _tree
    cdef public bint url_for_is_ours
    cdef public bint injects              # inject_url_defaults must be called
    cdef public str domain                # what relative URLs are built for without an adapter; None: only with one
    cdef object _config                   # a dict

    cdef bint is_current(self, object app) except -1

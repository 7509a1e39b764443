"""The map of what finds the plan of a request."""

from kolben.app._version cimport Version
from kolben.http._plan cimport Handler, Plan
from kolben.http._request cimport RequestBase
from kolben.routing._tree cimport Tree


cdef class AppHandler(Handler):
    """Finds the plan of a request for one app."""

    cdef object app
    cdef Version version
    cdef long long seen                   # the version that the plans were made at
    cdef unsigned long long seen_map
    cdef object compiler                  # PlanCompiler of plans.py
    cdef Tree tree                        # None: this app's requests are not matched natively
    cdef str domain
    cdef dict plans                       # endpoint -> Plan
    cdef list fixed                       # FIXED_ROUTES places, each the last Route that belongs there, or None
    cdef Plan wrapped                     # somebody's own wsgi_app or __call__, which may call ours; None: there is none
    cdef Plan general                     # for whatever has no plan of its own
    cdef Plan unrouted                    # 404, 405, redirects
    cdef object config                    # a dict
    cdef dict records                     # endpoint, None for the general plan and what wraps the app -> (steps, Record): outlive the plans

    cdef int refresh(self) except -1
    cdef Plan keep_record(self, Plan plan, object endpoint)
    cdef Plan make_plan(self, dict plans, object endpoint)
    cdef Plan match_environ(self, RequestBase request)
    cdef Plan search(self, RequestBase request, const char *target, Py_ssize_t length)

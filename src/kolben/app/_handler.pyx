"""Finds the plan of a request: by the bytes of its target if they were here before, else by the tree of the app's rules.

The registries are the truth, plans are a cache of them.  AppHandler compares one number per request, and makes its plans anew when
something was registered, replaced or patched.  Refuses to know how a plan is made, which is the compiler's (plans.py), and how it runs.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

from kolben.http._plan cimport Handler, Plan
from kolben.http._request cimport RequestBase
from kolben.routing._match cimport FOUND, Match

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL         # borrowed; NULL: not there
    PyObject *PyList_GET_ITEM(object list, Py_ssize_t i)      # borrowed

cdef enum:
    FIXED_ROUTES = 1024       # a power of 2
    FIXED_LENGTH = 256        # bytes of method and path

cdef tuple NO_NAMES = ()
cdef list NO_VALUES = []      # never changed


@cython.final
cdef class Route:
    """What a method and path, byte for byte as they were sent, lead to: a rule without variables, and its plan."""

    cdef bytes target         # such as b"GET /hello"
    cdef object method
    cdef object path          # decoded
    cdef object rule
    cdef Plan plan

    @staticmethod
    cdef Route of(bytes target, RequestBase request, object rule, Plan plan):
        cdef Route route = Route.__new__(Route)
        route.target = target
        route.method = request.method_text()
        route.path = request.path_text()
        route.rule = rule
        route.plan = plan
        return route

    cdef bint leads(self, const char *p, Py_ssize_t n) noexcept:
        return PyBytes_GET_SIZE(self.target) == n and memcmp(PyBytes_AS_STRING(self.target), p, n) == 0

    cdef Plan take(self, RequestBase request):
        request._method = self.method
        request._path = self.path
        request.url_rule = self.rule
        request.view_names, request.view_values = NO_NAMES, NO_VALUES
        return self.plan


cdef inline Py_ssize_t slot_of(const char *p, Py_ssize_t n) noexcept:
    """Where a target's Route stands in a table of FIXED_ROUTES."""
    cdef uint64_t word, mixed = <uint64_t>n
    while n >= 8:
        memcpy(&word, p, 8)
        mixed = (mixed ^ word) * 0x9E3779B97F4A7C15ULL
        mixed ^= mixed >> 32
        p += 8
        n -= 8
    word = 0
    memcpy(&word, p, n)
    mixed = (mixed ^ word) * 0x9E3779B97F4A7C15ULL
    return (mixed >> 40) & (FIXED_ROUTES - 1)


cdef class AppHandler(Handler):

    def __init__(self, app, compiler):
        self.app = app
        self.version = app._registry
        self.compiler = compiler
        self.config = app.config
        self.seen = -1
        self.records = {}
        self.refresh()

    cdef int refresh(self) except -1:
        """Throw the plans away; they are made again one by one, when they are asked for.

        Threads that call the app as WSGI may do so at once: each attribute is whole at any moment, and the number comes last.
        """
        cdef long long number = self.version.number
        cdef Tree tree = self.compiler.tree()
        cdef unsigned long long map_number = 0 if tree is None else tree.version
        wrapped, general, unrouted = self.compiler.wrapped_plan(), self.compiler.general_plan(), self.compiler.unrouted_plan()
        self.request_class = self.compiler.request_class()
        self.domain = self.app.url_map.default_subdomain or ""
        self.tree, self.plans, self.fixed = tree, {}, [None] * FIXED_ROUTES
        self.wrapped = None if wrapped is None else self.keep_record(wrapped, None)
        self.general = self.keep_record(general, None)
        self.unrouted = unrouted
        self.seen_map, self.seen = map_number, number
        return 0

    cdef Plan keep_record(self, Plan plan, object endpoint):
        """Let a plan stand where the last one of the same steps stood: what was measured of others says nothing about it."""
        cdef object steps = self.compiler.steps(endpoint)
        known = self.records.get(endpoint)
        if known is not None and known[0] == steps:
            plan.go_on_with(known[1])
        else:
            self.records[endpoint] = (steps, plan.record)
        return plan

    def plan_of(self, str endpoint not None):
        """The plan of an endpoint: for who wants to know where it runs."""
        if self.seen != self.version.number:
            self.refresh()
        return self.make_plan(self.plans, endpoint)

    cdef Plan make_plan(self, dict plans, object endpoint):
        """Return the plan of an endpoint, which is made if it is not there."""
        plan = plans.get(endpoint)
        if plan is None:
            plan = plans[endpoint] = self.keep_record(self.compiler.plan(endpoint), endpoint)
        return plan

    cpdef Plan match(self, RequestBase request):
        cdef PyObject *known
        cdef Route route
        cdef const char *p
        cdef Py_ssize_t n
        if self.seen != self.version.number or (self.tree is not None and self.seen_map != self.tree.version):
            self.refresh()
        if request.head is None:
            return self.match_environ(request)
        if self.wrapped is not None:
            return self.wrapped
        if self.tree is None or PyDict_GetItemWithError(self.config, "TRUSTED_HOSTS") != <PyObject *>None:
            return self.general
        p = PyBytes_AS_STRING(request.head) + request.span.start
        n = request.span.path + request.span.path_length - request.span.start
        if n > FIXED_LENGTH:
            return self.search(request, NULL, 0)
        known = PyList_GET_ITEM(self.fixed, slot_of(p, n))
        if known != <PyObject *>None and (<Route>known).leads(p, n):
            route = <Route>known                          # held: another thread may throw it away
            return route.take(request)
        return self.search(request, p, n)

    cdef Plan match_environ(self, RequestBase request):
        """Find the plan of an app that is called as WSGI, by a server or by what stands around it behind ours."""
        if self.tree is None or PyDict_GetItemWithError(self.config, "TRUSTED_HOSTS") != <PyObject *>None:
            return self.general
        if not request._environ.get("PATH_INFO"):         # which is not "/": it may be redirected to it
            return self.general
        return self.search(request, NULL, 0)

    cdef Plan search(self, RequestBase request, const char *target, Py_ssize_t length):
        """Ask the tree; keep what a target leads to, if it is given."""
        cdef Match found
        cdef Plan plan
        cdef PyObject *known
        cdef dict plans = self.plans                      # of one version, whatever comes while a plan is made
        try:
            if target != NULL and request._path is None and request.has_plain_path():
                found = self.tree.match_bytes(
                    self.domain, PyBytes_AS_STRING(request.head) + request.span.path, request.span.path_length, request.method_text())
            else:
                found = self.tree.match(self.domain, request.path_text(), request.method_text(), False)
        except Exception:                                 # of a user's converter: the general plan meets it, too, and answers it
            found = None
        if found is None:
            return self.general
        if found.outcome != FOUND:
            return self.unrouted
        known = PyDict_GetItemWithError(plans, found.endpoint)
        if known != NULL:
            plan = <Plan>known
        else:
            self.app._got_first_request = True
            plan = self.make_plan(plans, found.endpoint)
        if request.span.method_length == 7 and request.method_text() == "OPTIONS" and (
                getattr(found.rule, "provide_automatic_options", False)):
            return self.general
        request.url_rule = found.rule
        request._view_args, request.view_names, request.view_values = found._view_args, found.names, found.values
        if found._view_args is None and not found.names and target != NULL:
            self.fixed[slot_of(target, length)] = Route.of(target[:length], request, found.rule, plan)
        return plan

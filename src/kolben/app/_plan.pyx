"""Plans: what an endpoint's hooks, view and conversions come to, prepared once and walked per request (D4).

The registries are the truth, a plan is a cache of them.  AppHandler compares one number per request, and makes its plans anew when
something was registered, replaced or patched.  What a plan cannot walk itself takes the general path, `kolben.app.general`, which
calls every overridable method of the app in Flask's order; the compiler in plans.py decides, from what the class and the instance
hold at that moment.

Both paths keep one order: context, before, view, after, session, teardown, first byte.
"""

import sys

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject, PyObject_Call
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy

from kolben.app._context cimport ContextBase, make_current, make_inner
from kolben.app._version cimport Version
from kolben.base._step cimport FirstStep
from kolben.http._json cimport Encoder
from kolben.http._plan cimport Handler, Plan, THREAD
from kolben.http._request cimport RequestBase
from kolben.http._response cimport HTML, JSON, new_response, plain_response
from kolben.http._scope cimport spent_of
from kolben.routing._match cimport FOUND, Match
from kolben.routing._tree cimport Tree
from kolben.wire._head cimport NO_FIELD

cdef extern from "Python.h":
    PyObject *PyDict_GetItem(object mapping, object key)      # borrowed; NULL: not there
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL         # likewise
    Py_ssize_t PyDict_GET_SIZE(PyObject *mapping)
    PyObject *PyTuple_GET_ITEM(object tuple, Py_ssize_t i)    # borrowed
    object PyObject_CallNoArgs(object function)
    PyObject *PyList_GET_ITEM(object list, Py_ssize_t i)      # borrowed
    object PyObject_Vectorcall(object function, PyObject *const *args, size_t flags, object names)
    bint PyCoro_CheckExact(object o)
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef enum:
    FIXED_ROUTES = 1024       # a power of 2
    FIXED_LENGTH = 256        # bytes of method and path
    MANY = 16                 # variables of a rule

cdef tuple NO_ARGS = ()
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
        request.view_names, request.view_values = NO_ARGS, NO_VALUES
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


cdef class AppPlan(Plan):
    """One endpoint's plan.  Its attributes are set by plans.py."""

    cdef public object app
    cdef public object view
    cdef public object sync_view          # the view, or what waits for an async one
    cdef public object endpoint
    cdef public tuple preprocessors       # url_value_preprocessors, in order
    cdef public tuple before
    cdef public tuple sync_preprocessors  # likewise
    cdef public tuple sync_before
    cdef public tuple after               # in the order in which they are called
    cdef public object awaited            # Awaited of awaited.py: what a task may have to wait for; None: the view is no task
    cdef public bint tears_down           # there is something to call at the end
    cdef public bint plain                # answers may be sent without making an object of the app's class of responses
    cdef public bint closes               # the class of requests has a `close` of its own
    cdef public object context_class
    cdef public object response_class
    cdef public object globals_class      # of `g`, if it has no constructor; else None
    cdef public str text_type             # Content-Type of text
    cdef bytes text_type_bytes
    cdef public Encoder encoder           # None: the app's own provider is asked
    cdef public Encoder debug_encoder     # in debug mode
    cdef public object config
    cdef public bint config_is_plain      # its keys are found as a dict's
    cdef public object session_interface
    cdef public bint opens_session        # at once, as Flask does: the interface is not the signed cookie's
    cdef public tuple receivers           # of each signal that Flask sends here: dicts, looked at per request
    cdef public object general            # the general path: (app, request) -> response
    cdef public object explain            # a TypeError of a call to the view -> what to raise

    cdef bint watched(self) except -1:
        """Whether somebody listens to a signal."""
        cdef Py_ssize_t i
        for i in range(len(self.receivers)):
            if PyDict_GET_SIZE(PyTuple_GET_ITEM(self.receivers, i)):
                return True
        return False

    def set_text_type(self, str value not None):
        """Say what text answers are."""
        self.text_type = value
        raw = value.encode("latin-1")
        self.text_type_bytes = HTML if raw == HTML else raw

    cdef ContextBase enter(self, RequestBase request):
        """Make the context current, in the request's own contextvars.Context: nothing has to be undone."""
        cdef ContextBase context = <ContextBase>spent_of(self.context_class)
        if context is None:
            context = (<TypeSlots *>self.context_class).tp_new(<TypeSlots *>self.context_class, NO_ARGS, NULL)
        context.app = self.app
        context._request = request
        context.globals_class = self.globals_class
        context._entered = True
        if request.head is None:          # of a test, or of a server inside which somebody made an app current
            make_inner(context)
        else:
            make_current(context)
        return context

    cpdef object run(self, RequestBase request):
        cdef ContextBase context
        if self.watched():
            return self.general(self.app, request)
        context = self.enter(request)
        error = None
        try:
            try:
                if self.opens_session:
                    context._open_session()
                rv = self.call_before(request)
                if rv is None:
                    rv = self.call(self.sync_view, request)
                response = self.respond(context, request, rv)
            except Exception as raised:
                response = self.recover(raised, request)
        except Exception as raised:
            error = raised
            response = self.app.handle_exception(raised)
        finally:
            self.leave(context, request, error)
        return response

    cpdef object run_async(self, RequestBase request):
        return self.answer_async(request)

    async def answer_async(self, RequestBase request):
        cdef ContextBase context = self.enter(request)
        cdef bint watched = self.watched()
        error = None
        try:
            try:
                if watched or self.opens_session:
                    await self.awaited.begin(context)
                rv = await self.call_before_async(request) if self.before or self.preprocessors else None
                if rv is None:
                    rv = self.call(self.view, request)
                    if PyCoro_CheckExact(rv):
                        first = FirstStep(rv)
                        rv = first.value if first.returned else await first
                    else:
                        rv = await rv
                if watched or self.after or self.opens_session or context.after is not None:
                    response = await self.awaited.finish(context, rv)
                else:
                    response = self.respond(context, request, rv)
            except Exception as raised:
                self.explain_call(raised, request)
                response = await self.awaited.recover(context, raised)
        except Exception as raised:
            error = raised
            response = await self.awaited.fail(raised)
        except BaseException as raised:                   # cancelled, most likely
            error = raised
            raise
        finally:
            if not (watched or self.tears_down):
                self.leave(context, request, error)
            elif self.is_last(context, request, error, True):
                await self.awaited.tear_down(context)
                forget(request)
        return response

    cdef object call(self, object view, RequestBase request):
        cdef PyObject *values[MANY]
        cdef Py_ssize_t i, n
        if request._view_args is not None or request.view_names is None:
            return PyObject_Call(view, NO_ARGS, <dict>request.view_args) if request.view_args else PyObject_CallNoArgs(view)
        n = len(request.view_values)
        if n == 0:
            return PyObject_CallNoArgs(view)
        if n > MANY:
            return PyObject_Call(view, NO_ARGS, <dict>request.view_args)
        for i in range(n):
            values[i] = PyList_GET_ITEM(request.view_values, i)
        return PyObject_Vectorcall(view, values, 0, request.view_names)

    cdef object call_before(self, RequestBase request):
        for function in self.sync_preprocessors:
            function(self.endpoint, request.view_args)
        for function in self.sync_before:
            rv = function()
            if rv is not None:
                return rv
        return None

    async def call_before_async(self, RequestBase request):
        for function in self.preprocessors:
            rv = function(self.endpoint, request.view_args)
            if hasattr(rv, "__await__"):
                await rv
        for function in self.before:
            rv = function()
            if hasattr(rv, "__await__"):
                rv = await rv
            if rv is not None:
                return rv
        return None

    cdef object respond(self, ContextBase context, RequestBase request, object rv):
        """Turn what the view returned into what is sent, by the shortest way that nobody can tell from the long one."""
        cdef Py_ssize_t n
        if self.plain and not self.after and context.after is None and context._session is None and request.span.cookie == NO_FIELD:
            if type(rv) is str:
                PyUnicode_AsUTF8AndSize(rv, &n)           # a lone surrogate is the view's error, not the server's
                return plain_response(200, self.text_type_bytes, rv)
            if self.encoder is not None and (type(rv) is dict or type(rv) is list):
                return plain_response(200, JSON, self.encode(rv))
            if type(rv) is bytes:
                return plain_response(200, self.text_type_bytes, rv)
            if isinstance(rv, self.response_class):
                return rv
            return self.app.make_response(rv)
        if type(rv) is str or type(rv) is bytes:
            response = new_response(self.response_class, rv, 200, self.text_type)
        elif self.encoder is not None and (type(rv) is dict or type(rv) is list):
            response = new_response(self.response_class, self.encode(rv), 200, "application/json")
        else:
            response = self.app.make_response(rv)
        if context.after is not None:
            for function in context.after:
                response = self.app.ensure_sync(function)(response)
        for function in self.after:
            response = function(response)
        if context._session is not None or context.wants_session():
            session = context._get_session()
            if not self.session_interface.is_null_session(session):
                self.session_interface.save_session(self.app, session, response)
        return response

    cdef bytes encode(self, object value):
        cdef PyObject *debug = PyDict_GetItemWithError(self.config, "DEBUG") if self.config_is_plain else NULL
        if debug != <PyObject *>False and (self.config["DEBUG"] if debug == NULL else <object>debug):
            return self.debug_encoder.encode_response(value)
        return self.encoder.encode_response(value)

    cdef object recover(self, object error, RequestBase request):
        """While an exception of a hook or view is handled: answer with what its handler makes of it, or raise."""
        self.explain_call(error, request)
        return self.app.finalize_request(self.app.handle_user_exception(error))

    cdef int explain_call(self, object error, RequestBase request) except -1:
        """Raise what says more than an exception does, if the view does not take what the rule gives."""
        if type(error) is TypeError:
            explained = self.explain(error, self.view, request.url_rule, request.view_args)
            if explained is not None:
                raise explained from error
        return 0

    cdef int leave(self, ContextBase context, RequestBase request, object error) except -1:
        """Tear down, unless a stream still needs the context: it does so when it has ended."""
        cdef bint may_propagate = error is None
        if self.is_last(context, request, error, self.tears_down):
            error, context._left_error = context._left_error, None
            if self.tears_down:
                context._tear_down(sys.exc_info()[1] if may_propagate else error)
            elif self.closes or request.has_uploads:
                request.close()
            forget(request)
        return 0

    cdef bint is_last(self, ContextBase context, RequestBase request, object error, bint tears_down) except -1:
        """The plan leaves the context: whether something has to be torn down now, and told of `_left_error`."""
        context._entered = False
        if error is None and request._environ is None and not (tears_down or self.closes or request.has_uploads):
            return False
        if request._environ is not None:
            keep_for_test(context, request._environ)
        context._left_error = error
        if context._holds:
            return False
        if error is not None and self.app.should_ignore_error(error):
            context._left_error = None
        return True


cdef int forget(RequestBase request) except -1:
    """Break what would be a reference cycle."""
    if request._environ is not None:
        (<dict>request._environ)["werkzeug.request"] = None
    return 0


cpdef int keep_for_test(object context, object environ) except -1:
    """Give the context to a test's client, which makes it current again for the asserts that follow; so did Werkzeug's debugger."""
    cdef PyObject *keep = PyDict_GetItem(environ, "werkzeug.debug.preserve_context")
    if keep != NULL and <object>keep is not None:
        (<object>keep)(context)
    return 0


cdef class GeneralPlan(Plan):
    """The general path as a plan."""

    cdef object app
    cdef object answer                    # (app, request) -> response

    def __init__(self, app, answer, *, name, mode=THREAD, needs_body=True):
        self.app = app
        self.answer = answer
        self.name = name
        self.mode = mode
        self.needs_body = needs_body

    cpdef object run(self, RequestBase request):
        return self.answer(self.app, request)

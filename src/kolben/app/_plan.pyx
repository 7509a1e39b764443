"""Plans: what an endpoint's hooks, view and conversions come to, prepared once and walked per request (D4).

What a plan cannot walk itself takes the general path, `kolben.app.general`, which calls every overridable method of the app in Flask's
order; the compiler in plans.py decides, from what the class and the instance hold at that moment.  Refuses to know which request it is
for: that is _handler's.

Both paths keep one order: context, before, view, after, session, teardown, first byte.
"""

import sys

from cpython.object cimport PyObject, PyObject_Call
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from kolben.app._context cimport ContextBase
from kolben.app._current cimport make_current, make_inner
from kolben.base._step cimport FirstStep
from kolben.http._json cimport Encoder
from kolben.http._plan cimport Plan, THREAD
from kolben.http._request cimport RequestBase
from kolben.http._response cimport HTML, JSON, new_response, plain_response
from kolben.http._scope cimport spent_of
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
    MANY = 16                 # variables of a rule

cdef tuple NO_ARGS = ()


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

"""A context's native data, and the proxies `request`, `g`, `session`, `current_app` as fast as an attribute.

The proxies are Werkzeug LocalProxy objects (`isinstance` holds), of a subclass whose attribute slots are C functions: a public name is
looked up on the current object at once, every other name goes Werkzeug's way.  A missing context, too: Werkzeug raises the text it was given.
"""

from contextvars import ContextVar

from cpython.object cimport PyObject, PyObject_GetAttr, PyObject_SetAttr, PyTypeObject
from cpython.unicode cimport PyUnicode_READ_CHAR

from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1
    void PyType_Modified(PyTypeObject *cls)
    void Py_DECREF(PyObject *o)
    ctypedef object (*getattrofunc)(object, object)
    ctypedef int (*setattrofunc)(object, object, PyObject *) except -1
    ctypedef struct SlotsOfType "PyTypeObject":
        getattrofunc tp_getattro
        setattrofunc tp_setattro
    int PyObject_DelAttr(object o, object name) except -1

cv_app = ContextVar("kolben.app_ctx")
cv_request = ContextVar("kolben.request_ctx")
_cv_app = cv_app
_cv_request = cv_request


cdef class ContextBase:

    @property
    def g(self):
        """The namespace behind `flask.g`: an `app.app_ctx_globals_class`, for as long as one app context lasts."""
        if self.globals_ is None:
            self.globals_ = self.app.app_ctx_globals_class()
        return self.globals_

    @g.setter
    def g(self, value):
        self.globals_ = value

    @property
    def url_adapter(self):
        """What builds and matches URLs for this context; None outside of a request without SERVER_NAME."""
        if not self.adapter_made:
            self.adapter_made = True
            try:
                self.adapter = self.app.create_url_adapter(self._request)
            except HTTPException as error:
                if self._request is None:
                    raise
                self._request.routing_exception = error
        return self.adapter

    @url_adapter.setter
    def url_adapter(self, value):
        self.adapter_made = True
        self.adapter = value

    @property
    def _after_request_functions(self):
        if self.after is None:
            self.after = []
        return self.after

    @_after_request_functions.setter
    def _after_request_functions(self, list value):
        self.after = value

    @property
    def _cv_tokens(self):
        if self.tokens is None:
            self.tokens = []
        return self.tokens

    @_cv_tokens.setter
    def _cv_tokens(self, list value):
        self.tokens = value


# ---------------------------------------------------------------- proxies

cdef enum Target:
    OTHER
    APP
    GLOBALS
    REQUEST


class ContextProxy(LocalProxy):
    """A LocalProxy whose public attributes are found natively."""

    __slots__ = ()


cdef object app_proxy = None          # the proxies, told apart by identity: there is one of each
cdef object globals_proxy = None
cdef object request_proxy = None
cdef getattrofunc slow_getattr = (<SlotsOfType *>ContextProxy).tp_getattro
cdef setattrofunc slow_setattr = (<SlotsOfType *>ContextProxy).tp_setattro


cdef object current(object proxy):
    """The object that a proxy stands for now; None if there is none, or it is not one of ours."""
    cdef PyObject *found = NULL
    cdef ContextBase context
    if proxy is request_proxy:
        PyContextVar_Get(cv_request, NULL, &found)
    elif proxy is globals_proxy or proxy is app_proxy:
        PyContextVar_Get(cv_app, NULL, &found)
    if found == NULL:
        return None
    context = <ContextBase>found      # a reference more; the one from PyContextVar_Get is given back
    Py_DECREF(found)
    if proxy is request_proxy:
        return context._request
    if proxy is globals_proxy:
        return context.globals_ if context.globals_ is not None else context.g
    return context.app


cdef object fast_getattr(object proxy, object name):
    # Names with an underscore are LocalProxy's own (`_get_current_object`, `__class__`), or rare.
    if PyUnicode_READ_CHAR(name, 0) != c"_":
        target = current(proxy)
        if target is not None:
            return PyObject_GetAttr(target, name)
    return slow_getattr(proxy, name)


cdef int fast_setattr(object proxy, object name, PyObject *value) except -1:
    if PyUnicode_READ_CHAR(name, 0) != c"_":
        target = current(proxy)
        if target is not None:
            if value == NULL:
                return PyObject_DelAttr(target, name)
            return PyObject_SetAttr(target, name, <object>value)
    return slow_setattr(proxy, name, value)


def make_proxies(str no_app not None, str no_request not None):
    """Make (app_ctx, current_app, g, request_ctx, request, session); the texts are for when there is no context."""
    global app_proxy, globals_proxy, request_proxy
    app_proxy = ContextProxy(cv_app, "app", unbound_message=no_app)
    globals_proxy = ContextProxy(cv_app, "g", unbound_message=no_app)
    request_proxy = ContextProxy(cv_request, "request", unbound_message=no_request)
    # Only now: LocalProxy's constructor uses object.__setattr__, which refuses a type with a slot of its own.
    (<SlotsOfType *>ContextProxy).tp_getattro = fast_getattr
    (<SlotsOfType *>ContextProxy).tp_setattro = fast_setattr
    PyType_Modified(<PyTypeObject *>ContextProxy)
    return (
        LocalProxy(cv_app, None, unbound_message=no_app), app_proxy, globals_proxy,
        LocalProxy(cv_request, None, unbound_message=no_request), request_proxy,
        LocalProxy(cv_request, "session", unbound_message=no_request),
    )

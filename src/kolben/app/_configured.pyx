"""Attributes of a request that its app knows: limits of the configuration, and what reads JSON."""

from cpython.object cimport PyObject

from kolben.app._context cimport ContextBase
from kolben.app._current cimport app_context_alone, request_context
from kolben.http._request cimport RequestBase, Setting

import json
from sys import intern

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL     # borrowed; NULL: not there


cdef ContextBase current_context():
    """The context whose app is current; None: there is none."""
    cdef ContextBase context = app_context_alone()
    return request_context() if context is None else context


cdef object own_setting(RequestBase request, str name):
    return None if request.own_settings is None else request.own_settings.get(name)


cdef int set_own(RequestBase request, str name, object value) except -1:
    if request.own_settings is None:
        request.own_settings = {}
    request.own_settings[name] = value
    return 0


cdef class Configured(Setting):
    """A limit: what was set on this request, else what the app's configuration says, else a default.

    Args:
        name: Of the attribute; its key in the configuration is the same in capitals.
        default: Outside of an app's context.
    """

    cdef str name
    cdef str key
    cdef object default
    cdef readonly object __doc__

    def __init__(self, str name not None, default):
        self.name = intern(name)
        self.key = intern(name.upper())
        self.default = default
        self.__doc__ = f"The request's own limit, or `{self.key}` of the app's config; None: no limit."

    cdef object read(self, RequestBase request):
        cdef ContextBase context
        cdef PyObject *found
        value = own_setting(request, self.name)
        if value is not None:
            return value
        context = current_context()
        if context is None:
            return self.default
        config = context.app.config
        found = PyDict_GetItemWithError(config, self.key) if isinstance(config, dict) else NULL
        return config[self.key] if found == NULL else <object>found

    def __set__(self, RequestBase request not None, value):
        set_own(request, self.name, value)


cdef class JSONModule(Setting):
    """What reads and writes JSON: the current app's provider, unless another was set on this request; outside of apps the `json` module."""

    cdef readonly object __doc__

    def __cinit__(self):
        self.__doc__ = "What reads the body as JSON: the current app's provider, unless another was set on this request."

    cdef object read(self, RequestBase request):
        cdef ContextBase context
        own = own_setting(request, "json_module")
        if own is not None:
            return own
        context = current_context()
        return json if context is None else context.app.json

    def __set__(self, RequestBase request not None, value):
        set_own(request, "json_module", value)

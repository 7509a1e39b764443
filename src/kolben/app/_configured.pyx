"""Attributes of a request that its app knows: limits of the configuration, and what reads JSON."""

from cpython.object cimport PyObject

from kolben.app._context cimport ContextBase, app_context_alone, request_context

import json
from sys import intern

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL     # borrowed; NULL: not there


cdef ContextBase current_context():
    """The context whose app is current; None: there is none."""
    cdef ContextBase context = app_context_alone()
    return request_context() if context is None else context


cdef class Configured:
    """A limit: what was set on this request, else what the app's configuration says, else a default.

    Args:
        name: Of the attribute; its key in the configuration is the same in capitals.
        default: Outside of an app's context.
    """

    cdef str private
    cdef str key
    cdef object default
    cdef readonly object __doc__

    def __init__(self, str name not None, default):
        self.private = intern("_" + name)
        self.key = intern(name.upper())
        self.default = default
        self.__doc__ = f"The request's own limit, or `{self.key}` of the app's config; None: no limit."

    def __get__(self, request, owner):
        cdef ContextBase context
        cdef PyObject *found
        if request is None:
            return self
        value = getattr(request, self.private)
        if value is not None:
            return value
        context = current_context()
        if context is None:
            return self.default
        config = context.app.config
        found = PyDict_GetItemWithError(config, self.key) if isinstance(config, dict) else NULL
        return config[self.key] if found == NULL else <object>found

    def __set__(self, request, value):
        setattr(request, self.private, value)


cdef class JSONModule:
    """What reads and writes JSON: the current app's provider, unless another was set on this request; outside of apps the `json` module."""

    cdef readonly object __doc__

    def __cinit__(self):
        self.__doc__ = "What reads the body as JSON: the current app's provider, unless another was set on this request."

    def __get__(self, request, owner):
        cdef ContextBase context
        if request is None:
            return self
        own = request._json_module
        if own is not None:
            return own
        context = current_context()
        return json if context is None else context.app.json

    def __set__(self, request, value):
        request._json_module = value

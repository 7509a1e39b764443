"""A context's native data: what is made once and used again, and what is made only when it is asked for.

Refuses to know which context is current: that is _current's.
"""

from cpython.object cimport PyObject

from werkzeug.exceptions import HTTPException

from kolben.base._spent cimport give_new_dict, is_spent, let_go_of_dict, references

cdef extern from "Python.h":
    int PyObject_GenericSetAttr(object o, object name, PyObject *value) except -1
    ctypedef struct NewOfType "PyTypeObject":
        object (*tp_new)(NewOfType *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()


cdef class GlobalsBase:

    def __dealloc__(self):
        let_go_of_dict(<PyObject *>self)

    cdef bint renew(self) except -1:
        if not is_spent(<PyObject *>self, <PyObject *>GlobalsBase):
            return False
        give_new_dict(<PyObject *>self)
        return references(<PyObject *>self) == 1


cdef class ContextBase:

    cdef object ensure_globals(self):
        if self.globals_ is None and self.spent_globals is not None and self.globals_class is not None:
            self.globals_, self.spent_globals = self.spent_globals, None
            if type(self.globals_) is not self.globals_class:
                self.globals_ = None
        if self.globals_ is None:
            self.globals_ = self.app.app_ctx_globals_class() if self.globals_class is None else (
                (<NewOfType *>self.globals_class).tp_new(<NewOfType *>self.globals_class, NO_ARGS, NULL))
        return self.globals_

    cdef bint renew(self) except -1:
        if not is_spent(<PyObject *>self, <PyObject *>ContextBase):
            return False
        self.app = self._request = None
        if self.globals_ is not None:
            found, self.globals_ = self.globals_, None
            if isinstance(found, GlobalsBase) and references(<PyObject *>found) == 1 and (<GlobalsBase>found).renew():
                self.spent_globals = <GlobalsBase>found
        if self._session is not None or self.flashes is not None or self.adapter is not None:
            self._session = self.flashes = self.adapter = None
        if self.extras is not None or self.after is not None or self.tokens is not None:
            self.extras = self.after = self.tokens = None
        if self._host is not None or self._left_error is not None:
            self._host = self._left_error = None
        self._entered = self.adapter_made = False
        self._holds = 0
        return True

    # PERF: instead of a __dict__, which Cython makes with every object: 210 instructions of each request.

    def __getattr__(self, name):                              # what is found otherwise never comes here
        if self.extras is not None and name in self.extras:
            return self.extras[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name, value):
        try:
            PyObject_GenericSetAttr(self, name, <PyObject *>value)
        except AttributeError:
            if hasattr(type(self), name):                     # read only
                raise
            if self.extras is None:
                self.extras = {}
            self.extras[name] = value

    def __delattr__(self, name):
        if self.extras is None or self.extras.pop(name, self) is self:
            PyObject_GenericSetAttr(self, name, NULL)         # a subclass may have a dict of its own

    @property
    def g(self):
        """The namespace behind `flask.g`: an `app.app_ctx_globals_class`, for as long as one app context lasts."""
        return self.ensure_globals()

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

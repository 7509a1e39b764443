"""The app's context around a call that answers no request, a datagram's: as `with app.app_context():`, but cheap where nobody would see it.

Where the app has teardown functions, listeners or a method of its own that takes part, it is that very thing.  PERF: making, pushing and
popping an AppContext in Python took 16 us, three times what a datagram costs the kernel; bench/echo.py.
"""

cimport cython
from cpython.object cimport PyObject

from kolben.app._context cimport ContextBase
from kolben.app._current cimport drop_app_context, push_app_context
from kolben.app._version cimport Version

cdef extern from "Python.h":
    Py_ssize_t PyDict_GET_SIZE(object mapping)
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()


@cython.final
cdef class CallContexts:
    cdef object app
    cdef Version version
    cdef long long seen                   # the version that the rest was found out at
    cdef object compiler                  # PlanCompiler of plans.py
    cdef bint is_plain                    # nothing of the user's has a part in it, but for signals
    cdef object context_class
    cdef object globals_class
    cdef tuple receivers                  # of each signal that tells of app contexts: dicts, looked at each time

    def __init__(self, app, compiler, context_class, signals):
        self.app, self.version, self.compiler, self.context_class = app, app._registry, compiler, context_class
        self.receivers = tuple([signal.receivers for signal in signals])
        self.seen = -1

    def __call__(self):
        cdef CallContext made = CallContext.__new__(CallContext)
        made.made_by = self
        return made

    cdef bint is_quiet(self) except -1:
        """Whether nobody would see the difference."""
        cdef long long number = self.version.number
        if self.seen != number:
            self.is_plain, self.globals_class = self.compiler.has_plain_context(), self.compiler.globals_class()
            self.seen = number
        if not self.is_plain:
            return False
        for each in self.receivers:
            if PyDict_GET_SIZE(each):
                return False
        return True


@cython.final
@cython.freelist(8)
cdef class CallContext:
    """One call's."""

    cdef CallContexts made_by
    cdef object manager                   # where it is not quiet: what app.app_context() has made
    cdef ContextBase context

    def __enter__(self):
        cdef ContextBase context
        if not self.made_by.is_quiet():
            self.manager = self.made_by.app.app_context()
            return self.manager.__enter__()
        context = (<TypeSlots *>self.made_by.context_class).tp_new(<TypeSlots *>self.made_by.context_class, NO_ARGS, NULL)
        context.app = self.made_by.app
        context.globals_class = self.made_by.globals_class
        push_app_context(context)
        self.context = context
        return context

    def __exit__(self, kind, error, traceback):
        if self.manager is not None:
            return self.manager.__exit__(kind, error, traceback)
        if not (self.made_by.is_quiet() and drop_app_context(self.context)):
            self.context.pop(error)

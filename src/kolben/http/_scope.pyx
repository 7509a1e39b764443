"""The contextvars.Context that a request runs in, used again for the next one when nobody kept anything of it.

A Context with one variable is four objects: itself, its mapping, the mapping's node and a token; for a small view they cost as much as
the rest of an app's frame.  So the variable holds a cell, the Scope, and what is current stands in the cell: the next request needs no new
mapping.  That must never show.  Whatever copied the Context (a task, a thread, `copy_context`) or changed it keeps what it
saw, because a Context that is not exactly as it was lent is given up:

- somebody else refers to it (a Token, a task): its count of references tells;
- a copy of it shares its mapping: the mapping's count tells;
- a copy that was changed since has a mapping of its own, made of ours: it refers to the Scope, whose count tells;
- a variable was set in it: it has more than one.

A program that sets variables before it serves has Contexts with more than one from the start, and none of them is used again.
"""

from contextvars import ContextVar

from cpython.object cimport PyObject, visitproc

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1
    object PyContextVar_Set(object var, object value)
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    Py_ssize_t PyObject_Size(object o) except -1
    Py_ssize_t Py_REFCNT(PyObject *o)
    void Py_DECREF(PyObject *o)
    ctypedef struct TraverseOfType "PyTypeObject":
        int (*tp_traverse)(PyObject *o, visitproc visit, void *arg)
    TraverseOfType *Py_TYPE(object o)

cv_scope = ContextVar("kolben.request_ctx")


cdef PyObject *current_value() except? NULL:
    cdef PyObject *found = NULL
    PyContextVar_Get(cv_scope, NULL, &found)
    if found == NULL:
        return NULL
    Py_DECREF(found)                              # the Context keeps it
    if type(<object>found) is Scope:
        found = <PyObject *>(<Scope>found).value
        return NULL if found == <PyObject *>None else found
    return found


cdef int set_value(object value) except -1:
    cdef PyObject *found = NULL
    PyContextVar_Get(cv_scope, NULL, &found)
    if found != NULL:
        Py_DECREF(found)
        if type(<object>found) is Scope and (<Scope>found).value is None:
            (<Scope>found).value = value
            return 0
    PyContextVar_Set(cv_scope, value)
    return 0


cdef struct Seen:
    int objects
    Py_ssize_t references                         # to the last of them


cdef int see(PyObject *o, void *arg) noexcept:
    (<Seen *>arg).objects += 1
    (<Seen *>arg).references = Py_REFCNT(o)
    return 0


cdef bint has_its_mapping_alone(object context) noexcept:
    """Whether nobody else has the mapping, which is all that a Context refers to while it is not entered."""
    cdef Seen seen = Seen(0, 0)
    Py_TYPE(context).tp_traverse(<PyObject *>context, <visitproc>see, &seen)
    return seen.objects == 1 and seen.references == 1


cdef class Scope:
    pass


cdef class Contexts:

    def __init__(self, base):
        self.base = base
        self.reuses = len(base) == 0

    cdef Scope lend(self):
        cdef Scope scope = self.spare
        if scope is not None:
            self.spare = None
            return scope
        scope = Scope.__new__(Scope)
        scope.context = PyContext_Copy(self.base)
        PyContext_Enter(scope.context)
        try:
            PyContextVar_Set(cv_scope, scope)
        finally:
            PyContext_Exit(scope.context)
        return scope

    cdef int take_back(self, Scope scope) except -1:
        """Keep it for the next request, if it is as it was lent.  The caller has one reference to it, and none to its Context."""
        if not self.reuses or Py_REFCNT(<PyObject *>scope.context) != 1 or Py_REFCNT(<PyObject *>scope) != 2 or (
                PyObject_Size(scope.context) != 1 or not has_its_mapping_alone(scope.context)):
            scope.context = None                  # whose mapping refers to the scope
            return 0
        scope.value = None
        self.spare = scope
        return 0

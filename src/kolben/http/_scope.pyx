"""The contextvars.Context that a request runs in, used again for the next one when nobody kept anything of it.

A Context with one variable is four objects: itself, its mapping, the mapping's node and a token; for a small view they cost as much as
the rest of an app's frame.  So the variable holds a cell, the Scope, and what is current stands in the cell: the next request needs no new
mapping.  That must never show.  Whatever copied the Context (a task, a thread, `copy_context`) or changed it keeps what it
saw, because a Context that is not exactly as it was lent is given up:

- somebody else refers to it (a Token, a task): its count of references tells;
- a copy of it shares its mapping: the mapping's count tells;
- a copy that was changed since has a mapping of its own, made of ours: it refers to the Scope, whose count tells;
- a variable was set in it: it has another mapping than the one it was lent with, which is kept here, so that no other can stand
  at its address.

PERF: a Context with the mapping that it was lent with says what its Scope says, so nobody looks into it: while the Context lent last
runs, what is current is two addresses away, which is asked for several times a request.

A program that sets variables before it serves has Contexts with more than one from the start, and none of them is used again.
"""

from contextvars import ContextVar

from cpython.object cimport PyObject, visitproc

from kolben.base._spent cimport references

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1
    object PyContextVar_Set(object var, object value)
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    Py_ssize_t Py_REFCNT(PyObject *o)
    void Py_DECREF(PyObject *o)
    ctypedef struct TraverseOfType "PyTypeObject":
        int (*tp_traverse)(PyObject *o, visitproc visit, void *arg)
        Py_ssize_t tp_basicsize
    TraverseOfType *Py_TYPE(object o)

cdef extern from *:
    """
    /* The Context that runs in this thread, borrowed; NULL: none.  The field is there, and public, from 3.7 on. */
    #define kolben_running() (PyThreadState_Get()->context)
    """
    PyObject *running "kolben_running"() noexcept

cv_scope = ContextVar("kolben.request_ctx")


cdef PyObject *lent = NULL                        # the Scope lent last, borrowed: it takes itself away
cdef Py_ssize_t mapping_at = -1                   # where a Context keeps the address of its mapping; -1: not known


cdef inline PyObject *mapping_of(PyObject *context) noexcept:
    """The mapping of a Context, borrowed."""
    return (<PyObject **>(<char *>context + mapping_at))[0]


cdef inline bint runs_as_lent() noexcept:
    """Whether the Context lent last runs, and is as it was."""
    cdef PyObject *context = running()
    return lent != NULL and context == <PyObject *>(<Scope>lent).context and (
        mapping_of(context) == <PyObject *>(<Scope>lent).mapping)


cdef PyObject *current_value() except? NULL:
    cdef PyObject *found = NULL
    if runs_as_lent():
        found = <PyObject *>(<Scope>lent).value
        return NULL if found == <PyObject *>None else found
    PyContextVar_Get(cv_scope, NULL, &found)
    if found == NULL:
        return NULL
    Py_DECREF(found)                              # the Context keeps it
    if type(<object>found) is Scope:
        found = <PyObject *>(<Scope>found).value
        return NULL if found == <PyObject *>None else found
    return found


cdef bint holds_nothing_else() noexcept:
    return runs_as_lent() and (<Scope>lent).is_alone


cdef int set_value(object value) except -1:
    cdef PyObject *found = NULL
    if runs_as_lent() and (<Scope>lent).value is None:
        (<Scope>lent).value = value
        return 0
    PyContextVar_Get(cv_scope, NULL, &found)
    if found != NULL:
        Py_DECREF(found)
        if type(<object>found) is Scope and (<Scope>found).value is None:
            (<Scope>found).value = value
            return 0
    PyContextVar_Set(cv_scope, value)
    return 0


cdef int note(PyObject *o, void *into) noexcept:
    (<PyObject **>into)[0] = o
    return 0


cdef PyObject *only_reference(object context) noexcept:
    """What a Context refers to, last; while it is not entered that is its mapping alone."""
    cdef PyObject *found = NULL
    Py_TYPE(context).tp_traverse(<PyObject *>context, <visitproc>note, &found)
    return found


cdef Py_ssize_t find_mapping(object context) except -2:
    """Where the address of its mapping stands in a Context, which says what it refers to, but not from where; -1 if nowhere."""
    cdef PyObject *mapping = only_reference(context)
    cdef Py_ssize_t at = sizeof(PyObject)
    while at + <Py_ssize_t>sizeof(PyObject *) <= Py_TYPE(context).tp_basicsize:
        if (<PyObject **>(<char *><PyObject *>context + at))[0] == mapping:
            return at
        at += sizeof(PyObject *)
    return -1


cdef Current spent_of(object cls):
    cdef Scope scope
    cdef Current found
    if not runs_as_lent():
        return None
    scope = <Scope>lent
    found = scope.spent
    if found is None or type(found) is not cls:
        return None
    scope.spent = None
    return found


cdef class Current:

    cdef bint renew(self) except -1:
        return False


cdef class Scope:

    def __dealloc__(self):
        global lent
        if lent == <PyObject *>self:
            lent = NULL


cdef class Contexts:

    def __init__(self, base):
        global mapping_at
        if mapping_at < 0:
            mapping_at = find_mapping(PyContext_Copy(base))
        self.base = base
        self.reuses = len(base) == 0 and mapping_at >= 0

    cdef Scope lend(self):
        global lent
        cdef Scope scope = self.spare
        if scope is not None:
            self.spare = None
        else:
            scope = Scope.__new__(Scope)
            scope.context = PyContext_Copy(self.base)
            PyContext_Enter(scope.context)
            try:
                PyContextVar_Set(cv_scope, scope)
            finally:
                PyContext_Exit(scope.context)
            if mapping_at >= 0:
                scope.mapping = <object>mapping_of(<PyObject *>scope.context)
                scope.is_alone = self.reuses
        lent = <PyObject *>scope if mapping_at >= 0 else NULL
        return scope

    cdef int take_back(self, Scope scope) except -1:
        """Keep it for the next request, if it is as it was lent.  The caller has one reference to it, and none to its Context."""
        if self.reuses and Py_REFCNT(<PyObject *>scope.context) == 1 and Py_REFCNT(<PyObject *>scope) == 2 and (
                Py_REFCNT(<PyObject *>scope.mapping) == 2 and mapping_of(<PyObject *>scope.context) == <PyObject *>scope.mapping):
            value, scope.value = scope.value, None
            if isinstance(value, Current) and references(<PyObject *>value) == 1 and (<Current>value).renew() and (
                    references(<PyObject *>value) == 1):          # nor did what it let go of, by its end, take it
                scope.spent = <Current>value
            self.spare = scope
            return 0
        scope.context = scope.mapping = None      # which refers to the scope
        return 0

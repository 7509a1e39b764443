"""Which context is current, and the proxies `request`, `g`, `session`, `current_app` as fast as an attribute.

The proxies are Werkzeug LocalProxy objects (`isinstance` holds), of a subclass whose attribute slots are C functions: a public name is
looked up on the current object at once, every other name goes Werkzeug's way.  A missing context, too: Werkzeug raises the text it was
given.

Refuses to know when a context begins and ends, and what it makes of its data: it makes one current, and finds it.
"""

from contextvars import ContextVar

from cpython.object cimport PyObject, PyObject_GetAttr, PyObject_SetAttr, PyTypeObject
from cpython.unicode cimport PyUnicode_READ_CHAR

from werkzeug.local import LocalProxy

from kolben.app._context cimport ContextBase
from kolben.http._scope cimport current_value, cv_scope, holds_nothing_else, set_value

cdef extern from *:
    """
    #define kolben_is_getset(o) (Py_TYPE(o) == &PyGetSetDescr_Type && ((PyGetSetDescrObject *)(o))->d_getset->get != NULL)
    """

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject *default, PyObject **value) except -1
    void PyType_Modified(PyTypeObject *cls)
    void Py_DECREF(PyObject *o)
    ctypedef object (*getattrofunc)(object, object)
    ctypedef int (*setattrofunc)(object, object, PyObject *) except -1
    ctypedef struct SlotsOfType "PyTypeObject":
        getattrofunc tp_getattro
        setattrofunc tp_setattro
    ctypedef struct TypeSlots "PyTypeObject":
        getattrofunc tp_getattro
        unsigned int tp_version_tag
    ctypedef object (*getter)(object, void *)
    ctypedef struct GetSetDef "PyGetSetDef":
        getter get
        void *closure
    ctypedef struct GetSet "PyGetSetDescrObject":
        GetSetDef *d_getset
    TypeSlots *type_of "Py_TYPE"(object o)
    PyObject *_PyType_Lookup(TypeSlots *cls, object name) noexcept
    bint is_getset "kolben_is_getset"(PyObject *o) noexcept
    object PyObject_GenericGetAttr(object o, object name)
    void Py_INCREF(object o)
    void Py_XDECREF(PyObject *o)
    int PyObject_DelAttr(object o, object name) except -1
    object PyContextVar_Set(object var, object value)
    int PyContextVar_Reset(object var, object token) except -1

cv_app = ContextVar("kolben.app_ctx")


cdef bint was_set = False         # whether cv_app ever was: if not, no request has to look


cdef PyObject *app_value() except? NULL:
    """What cv_app holds, borrowed (its contextvars.Context keeps it); NULL: nothing."""
    cdef PyObject *found = NULL
    if was_set and not holds_nothing_else():
        PyContextVar_Get(cv_app, NULL, &found)
        if found != NULL:
            Py_DECREF(found)
    return found


cdef ContextBase context_or_none(PyObject *found):
    return None if found == NULL else <ContextBase>found


cdef ContextBase app_context_alone():
    return context_or_none(app_value())


cdef ContextBase request_context():
    return context_or_none(current_value())


cdef class AppVariable:
    """The variable of the current app's context.

    Reads as a ContextVar does, but one answer more: while it is unset, the context of the current request is the app's, too.  So a
    request sets one variable, not two.
    """

    def get(self, *default):
        """Return the app's context, else the request's, else the default; LookupError if there is none."""
        cdef PyObject *found = app_value()
        if found == NULL:
            found = current_value()
        return value_or_default(self, found, default)

    def set(self, value):
        """Make a context current; give the token to `reset`."""
        global was_set
        was_set = True
        return cv_app.set(value)

    def reset(self, token):
        """Undo a `set`."""
        cv_app.reset(token)


cdef class RequestVariable:
    """The variable of the current request's context.  Reads as a ContextVar does, and knows the Scope that a server's request has."""

    def get(self, *default):
        """Return the request's context, else the default; LookupError if there is none."""
        return value_or_default(self, current_value(), default)

    def set(self, value):
        """Make a context current; give the token to `reset`."""
        return cv_scope.set(value)

    def reset(self, token):
        """Undo a `set`."""
        cv_scope.reset(token)


cdef object value_or_default(object variable, PyObject *found, tuple default):
    if found != NULL:
        return <object>found
    if default:
        return default[0]
    raise LookupError(variable)


_cv_app = AppVariable()
_cv_request = RequestVariable()


cdef int make_current(ContextBase context) except -1:
    set_value(context)
    if app_value() != NULL:                   # served from inside an app context: ours is the inner one
        PyContextVar_Set(cv_app, context)
    return 0


cdef int make_inner(ContextBase context) except -1:
    cdef ContextBase active = app_context_alone()
    cdef bint app_is_set = active is not None
    if active is None:
        active = request_context()
    PyContextVar_Set(cv_scope, context)           # not into the server's Scope, which the Context around ours shares
    if active is None:
        return 0
    if active.app is context.app:
        context._host = active
        context.globals_ = active.g
    elif app_is_set:
        PyContextVar_Set(cv_app, context)
    return 0


cdef int push_app_context(ContextBase context) except -1:
    global was_set
    was_set = True
    context.tokens = [(None, PyContextVar_Set(cv_app, context))]
    return 0


cdef bint drop_app_context(ContextBase context) except -1:
    cdef PyObject *found = NULL
    if context.tokens is None or len(context.tokens) != 1:
        return False
    PyContextVar_Get(cv_app, NULL, &found)
    Py_XDECREF(found)
    if found != <PyObject *>context:
        return False
    token = (<tuple>context.tokens.pop())[1]
    PyContextVar_Reset(cv_app, token)
    return True


# ---------------------------------------------------------------- proxies

class ContextProxy(LocalProxy):
    """A LocalProxy whose public attributes are found natively."""

    __slots__ = ()


ContextProxy.__name__ = "LocalProxy"      # what an unbound one's repr says, as Flask's does


cdef object app_proxy = None          # the proxies, told apart by identity: there is one of each
cdef object globals_proxy = None
cdef object request_proxy = None
cdef getattrofunc slow_getattr = (<SlotsOfType *>ContextProxy).tp_getattro
cdef setattrofunc slow_setattr = (<SlotsOfType *>ContextProxy).tp_setattro


cdef object current(object proxy):
    """The object that a proxy stands for now; None if there is none, or it is not one of ours."""
    cdef PyObject *found = NULL
    cdef ContextBase context
    if proxy is not request_proxy:
        found = app_value()
    if found == NULL:
        found = current_value()
    if found == NULL:
        return None
    context = <ContextBase>found
    if proxy is request_proxy:
        return context._request
    if proxy is globals_proxy:
        if context.globals_ is not None:
            return context.globals_
        # PERF: a plan's context has no `g` of its own class; asking it by name is 1,100 instructions.
        return context.g if context.globals_class is None else context.ensure_globals()
    return context.app if proxy is app_proxy else None


# PERF: `request.args` is a native property of a class with two bases and a dict; to find that out each time takes three times as
# long as to read it.  So what a name led to is remembered for as long as its class is as it was, which a number in it says
# (tp_version_tag: never given twice, 0 while there is none).  Such a property goes before what stands in an object's own dict.
cdef struct Property:
    PyObject *name                    # owned: nothing else can stand at its address
    TypeSlots *cls
    unsigned int version              # of the class, when this was found
    getter get
    void *closure

cdef enum:
    PROPERTIES = 16                   # a power of 2

cdef Property properties[PROPERTIES]


cdef int note_property(Property *known, object target, object name) except -1:
    """Remember what a name leads to, if it is a native property of a class with the usual look-up."""
    cdef TypeSlots *cls = type_of(target)
    cdef PyObject *found = _PyType_Lookup(cls, name)
    if found == NULL or not is_getset(found) or cls.tp_getattro != PyObject_GenericGetAttr or cls.tp_version_tag == 0:
        return 0
    Py_INCREF(name)
    Py_XDECREF(known.name)
    known.name = <PyObject *>name
    known.cls, known.version = cls, cls.tp_version_tag
    known.get, known.closure = (<GetSet *>found).d_getset.get, (<GetSet *>found).d_getset.closure
    return 0


cdef object fast_getattr(object proxy, object name):
    cdef Property *known
    # Names with an underscore are LocalProxy's own (`_get_current_object`, `__class__`), or rare.
    if PyUnicode_READ_CHAR(name, 0) != c"_":
        target = current(proxy)
        if target is not None:
            known = &properties[(<size_t><PyObject *>name >> 4) & (PROPERTIES - 1)]
            if known.name == <PyObject *>name and known.cls == type_of(target) and known.version == known.cls.tp_version_tag:
                return known.get(target, known.closure)
            note_property(known, target, name)
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

    def app_context():
        context = _cv_app.get(None)
        if context is None:
            raise RuntimeError(no_app)
        return context

    def request_context():
        context = _cv_request.get(None)
        if context is None:
            raise RuntimeError(no_request)
        return context

    app_proxy = ContextProxy(app_context, "app")
    globals_proxy = ContextProxy(app_context, "g")
    request_proxy = ContextProxy(request_context, "request")
    # Only now: LocalProxy's constructor uses object.__setattr__, which refuses a type with a slot of its own.
    (<SlotsOfType *>ContextProxy).tp_getattro = fast_getattr
    (<SlotsOfType *>ContextProxy).tp_setattro = fast_setattr
    PyType_Modified(<PyTypeObject *>ContextProxy)
    return (
        LocalProxy(app_context, None), app_proxy, globals_proxy,
        LocalProxy(request_context, None), request_proxy, LocalProxy(request_context, "session"),
    )

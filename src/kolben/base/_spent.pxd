"""Objects that are made for each request and are used again for the next, where nobody else has anything of them.

Making and freeing a request and what belongs to it was a tenth of what a small answer takes.  That one of them was there before must
never show: whoever kept it keeps it.  So it is used again only if all of this holds, else it is freed as ever:

- there is one reference to it, the caller's, and there is no weak one;
- its class adds nothing to what the native one knows how to make as new: no slots, no dict, no `__del__`.
"""

from cpython.object cimport PyObject

cdef extern from *:
    """
    #define kolben_nobody_refers_to(o) (Py_REFCNT(o) == 1 && (Py_TYPE(o)->tp_weaklistoffset <= 0 ||\\
        *(PyObject **)((char *)(o) + Py_TYPE(o)->tp_weaklistoffset) == NULL))

    static inline int kolben_adds_nothing(PyTypeObject *cls, PyTypeObject *native) {
        return cls->tp_basicsize == native->tp_basicsize && cls->tp_dictoffset == native->tp_dictoffset
            && cls->tp_weaklistoffset == native->tp_weaklistoffset && cls->tp_finalize == NULL && cls->tp_del == NULL;
    }
    #define kolben_dict(o) (*(PyObject **)((char *)(o) + Py_TYPE(o)->tp_dictoffset))

    #define kolben_own_attributes(o) PyDict_GET_SIZE(kolben_dict(o))

    static inline int kolben_give_new_dict(PyObject *o) {
        PyObject *old = kolben_dict(o), *made;
        if (Py_REFCNT(old) == 1) {
            if (PyDict_GET_SIZE(old))
                PyDict_Clear(old);
            return 0;
        }
        made = PyDict_New();
        if (made == NULL)
            return -1;
        kolben_dict(o) = made;
        Py_DECREF(old);
        return 0;
    }

    static inline void kolben_let_go_of_dict(PyObject *o) {
        PyObject *old = kolben_dict(o);
        kolben_dict(o) = NULL;
        Py_XDECREF(old);
    }
    #define kolben_is_spent(o, native) (kolben_nobody_refers_to(o) && kolben_adds_nothing(Py_TYPE(o), (PyTypeObject *)(native)))
    """
    # Whether an object of a native class, or of one derived from it, may be used again by the caller, who has the one reference to it.
    bint is_spent "kolben_is_spent"(PyObject *o, PyObject *native) noexcept
    # Of an object with a `cdef dict __dict__`, which Cython lets nobody touch otherwise.
    # Let it have an empty dict that nobody else has; one that somebody has stays as it is.
    int give_new_dict "kolben_give_new_dict"(PyObject *o) except -1
    # How many attributes of its own it has.
    Py_ssize_t own_attributes "kolben_own_attributes"(PyObject *o) noexcept
    # At its end, before Cython clears the dict, whoever has it.
    void let_go_of_dict "kolben_let_go_of_dict"(PyObject *o) noexcept
    Py_ssize_t references "Py_REFCNT"(PyObject *o) noexcept

"""The map of small dicts' items."""

from cpython.object cimport PyObject


cdef enum:
    FEW = 16                        # items that are sorted on the stack


cdef struct Pair:                   # an item of a dict
    PyObject *key
    PyObject *value


# Take up to FEW items of a plain dict whose keys are exactly str; how many, with references to them, or 0 for any other.
cdef Py_ssize_t few_pairs(Pair *pairs, object mapping, bint sort_keys) noexcept

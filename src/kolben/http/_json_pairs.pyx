"""The items of small plain dicts, in the order in which they are written.  PERF: no list and no tuples; most dicts are such."""

from cpython.dict cimport PyDict_CheckExact, PyDict_Next, PyDict_Size
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_Compare
from libc.stdint cimport uint8_t
from libc.string cimport memcmp

cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)


cdef inline bint comes_before(PyObject *one, PyObject *other) noexcept:
    """Whether one key sorts before another; both are exactly str, so nothing is called and nothing fails."""
    cdef const uint8_t *p
    cdef const uint8_t *q
    cdef Py_ssize_t n, m
    cdef int order
    if PyUnicode_KIND(<object>one) != 1 or PyUnicode_KIND(<object>other) != 1:
        return PyUnicode_Compare(<object>one, <object>other) < 0
    p = <const uint8_t *>PyUnicode_DATA(<object>one)
    q = <const uint8_t *>PyUnicode_DATA(<object>other)
    if p[0] != q[0]:                # a str ends with a zero, so even an empty one has this
        return p[0] < q[0]
    n = PyUnicode_GET_LENGTH(<object>one)
    m = PyUnicode_GET_LENGTH(<object>other)
    order = memcmp(p, q, min(n, m))
    return order < 0 or (order == 0 and n < m)


cdef Py_ssize_t few_pairs(Pair *pairs, object mapping, bint sort_keys) noexcept:
    cdef Py_ssize_t i, n = 0, position = 0
    cdef PyObject *key
    cdef PyObject *value
    if not PyDict_CheckExact(mapping) or PyDict_Size(mapping) > FEW:
        return 0
    while PyDict_Next(mapping, &position, &key, &value):        # nothing is called here that could change the dict
        if not PyUnicode_CheckExact(<object>key):
            return 0
        i = n
        while sort_keys and i > 0 and comes_before(key, pairs[i - 1].key):
            pairs[i] = pairs[i - 1]
            i -= 1
        pairs[i] = Pair(key, value)
        n += 1
    for i in range(n):
        Py_INCREF(<object>pairs[i].key)
        Py_INCREF(<object>pairs[i].value)
    return n

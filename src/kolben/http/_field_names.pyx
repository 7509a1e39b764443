"""Names of fields, as they were sent, and what they become elsewhere: made once, as most requests of most clients have the same fields."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.string cimport memcmp


@cython.final
cdef class FieldNames:

    def __cinit__(self, make):
        self.make = make

    def __dealloc__(self):
        cdef int i
        for i in range(KNOWN):
            Py_XDECREF(self.fields[i])
            Py_XDECREF(self.names[i])

    cdef object of(self, const unsigned char *p, Py_ssize_t n):
        cdef unsigned int at = (<unsigned int>n * 37 + p[0] * 11 + p[n - 1] * 5 + p[n >> 1]) % KNOWN
        cdef PyObject *field = self.fields[at]
        if field != NULL and PyBytes_GET_SIZE(<object>field) == n and memcmp(PyBytes_AS_STRING(<object>field), p, n) == 0:
            return <object>self.names[at]
        raw = PyBytes_FromStringAndSize(<const char *>p, n)
        name = self.make(raw)
        if field == NULL and n <= SHARED_LONGEST and self.fields[at] == NULL:         # `make` may have been interrupted
            Py_INCREF(raw)
            Py_INCREF(name)
            self.names[at] = <PyObject *>name
            self.fields[at] = <PyObject *>raw
        return name

"""A coroutine's first step: who calls one that mostly does not wait goes on at once with what it returned.

Refuses to know what it waits on, and which task it belongs to.
"""

cimport cython
from cpython.object cimport PyObject

cdef extern from "Python.h":
    int PyIter_Send(object iterator, object value, PyObject **result) except -1     # 0: returned, 1: yielded
    void Py_DECREF(PyObject *o)


@cython.final
cdef class FirstStep:

    def __cinit__(self, coroutine):
        cdef PyObject *result = NULL
        cdef int status = PyIter_Send(coroutine, None, &result)
        self.coroutine = coroutine
        self.returned = status == 0
        self.value = <object>result
        Py_DECREF(result)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """Go on with the coroutine; the first time, pass on what it has yielded already."""
        if not self.passed_on:
            self.passed_on = True
            value, self.value = self.value, None
            return value
        return self.coroutine.send(value)

    def throw(self, *error):
        """Raise an error in the coroutine."""
        self.passed_on = True
        return self.coroutine.throw(*error)

    def close(self):
        """End the coroutine."""
        self.coroutine.close()

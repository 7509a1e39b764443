"""One call's scratch memory: it grows; ints and floats are written into it; deep ancestors are noted."""

from cpython.float cimport PyFloat_AS_DOUBLE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport strlen

from kolben.http._json_kernels cimport DIGITS, DOUBLE, write_decimal, write_short_double

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1
    char *PyOS_double_to_string(double value, char format, int precision, int flags, int *kind) except NULL
    int Py_DTSF_ADD_DOT_0

cdef object INT_REPR = int.__repr__


cdef int grow(Scratch *scratch, Py_ssize_t more) except -1:
    cdef Py_ssize_t capacity = max(scratch.capacity * 2, scratch.length + more)     # 2**62 bytes cannot be allocated: no overflow
    cdef void *data = PyMem_Realloc(scratch.data, capacity)
    if data == NULL:
        raise MemoryError
    scratch.data = <uint8_t *>data
    scratch.capacity = capacity
    return 0


cdef int write_int(Scratch *scratch, object value) except -1:
    """Write as int.__repr__ does, whatever a subclass says.  Raises ValueError beyond the interpreter's limit of digits."""
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef uint64_t size = <uint64_t>number
    if overflow:
        return write_bytes(scratch, (<str>INT_REPR(value)).encode("ascii"))
    reserve(scratch, DIGITS)
    if number < 0:
        size = ~size + 1            # the size of the least number fits only here, unsigned
        scratch.data[scratch.length] = c"-"
        scratch.length += 1
    scratch.length += write_decimal(scratch.data + scratch.length, size)
    return 0


cdef int write_float(Scratch *scratch, object value) except -1:
    """Write as float.__repr__ does, whatever a subclass says; NaN and infinities by JavaScript's names."""
    cdef double number = PyFloat_AS_DOUBLE(value)
    cdef Py_ssize_t n
    cdef char *text
    reserve(scratch, DOUBLE)
    n = write_short_double(scratch.data + scratch.length, number)
    if n:
        scratch.length += n
        return 0
    if number != number:
        return write(scratch, b"NaN", 3)
    if number - number != 0:
        return write(scratch, b"Infinity", 8) if number > 0 else write(scratch, b"-Infinity", 9)
    text = PyOS_double_to_string(number, c"r", 0, Py_DTSF_ADD_DOT_0, NULL)
    try:
        return write(scratch, text, strlen(text))
    finally:
        PyMem_Free(text)


cdef int enter_far(Scratch *scratch, object address) except -1:
    cdef set far
    if scratch.far == NULL:
        far = set()
        Py_INCREF(far)
        scratch.far = <PyObject *>far
    far = <set>scratch.far
    if address in far:
        raise ValueError("Circular reference detected")
    far.add(address)
    return 0

"""The map of one call's scratch memory: the text so far, and which containers are open."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t
from libc.string cimport memcpy


cdef enum:
    NEAR = 64                       # ancestors that are compared one by one; deeper ones go to a set


cdef struct Scratch:                # lives on the stack of its call, so that `default` may call the encoder again
    uint8_t *data                   # owned by the call
    Py_ssize_t length
    Py_ssize_t capacity
    bint has_surrogate              # a lone one was written, so the bytes are no UTF-8
    Py_ssize_t depth                # containers and `default`ed objects that are open now
    PyObject *near[NEAR]            # the outermost of them, borrowed: each is held by the frame that writes it
    PyObject *far                   # owned set of the addresses of the others, or NULL


cdef int grow(Scratch *scratch, Py_ssize_t more) except -1
cdef int write_int(Scratch *scratch, object value) except -1        # an int or a subclass's instance
cdef int write_float(Scratch *scratch, object value) except -1      # a float or a subclass's instance
cdef int enter_far(Scratch *scratch, object address) except -1


cdef inline int reserve(Scratch *scratch, Py_ssize_t more) except -1:
    return 0 if scratch.capacity - scratch.length >= more else grow(scratch, more)


cdef inline int write(Scratch *scratch, const char *p, Py_ssize_t n) except -1:
    reserve(scratch, n)
    memcpy(scratch.data + scratch.length, p, n)
    scratch.length += n
    return 0


cdef inline int write_byte(Scratch *scratch, uint8_t byte) except -1:
    reserve(scratch, 1)
    scratch.data[scratch.length] = byte
    scratch.length += 1
    return 0


cdef inline int write_bytes(Scratch *scratch, bytes piece) except -1:
    return write(scratch, PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))


cdef inline int enter(Scratch *scratch, object value) except -1:
    """Note that `value` is open.  Raises ValueError if it is already."""
    cdef Py_ssize_t i, near = min(scratch.depth, <Py_ssize_t>NEAR)
    for i in range(near):
        if scratch.near[i] == <PyObject *>value:
            raise ValueError("Circular reference detected")
    if scratch.depth < NEAR:
        scratch.near[scratch.depth] = <PyObject *>value
    else:
        enter_far(scratch, <size_t><PyObject *>value)
    scratch.depth += 1
    return 0


cdef inline int leave(Scratch *scratch, object value) except -1:
    scratch.depth -= 1
    if scratch.depth >= NEAR:
        (<set>scratch.far).remove(<size_t><PyObject *>value)
    return 0

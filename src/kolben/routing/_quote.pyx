"""Percent-encoding of what stands in a path, in a query or in a fragment (WHATWG URL, percent-encode sets)."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    unsigned char *PyUnicode_1BYTE_DATA(object text)

UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"

cdef bint[256] IN_PATH
cdef bint[256] IN_QUERY
cdef bint[256] IN_FRAGMENT
cdef const unsigned char *HEX = b"0123456789ABCDEF"


cdef int _fill(bint *table, bytes kept) except -1:
    cdef unsigned char byte
    for byte in kept:
        table[byte] = True
    return 0


_fill(IN_PATH, UNRESERVED + b"!$&'()*+,/:;=@")
_fill(IN_QUERY, UNRESERVED + b"!$'()*,/:;?@")
_fill(IN_FRAGMENT, UNRESERVED + b"%!#$&'()*+,/:;=?@")


cdef str quote_path(str text):
    return _quote(text, IN_PATH, False)


cdef str quote_query(str text):
    return _quote(text, IN_QUERY, True)


cdef str quote_fragment(str text):
    return _quote(text, IN_FRAGMENT, False)


cdef str _quote(str text, const bint *kept, bint plus):
    cdef Py_ssize_t length, i, extra = 0
    cdef bint has_space = False
    cdef const unsigned char *source = <const unsigned char *>PyUnicode_AsUTF8AndSize(text, &length)
    for i in range(length):
        if not kept[source[i]]:
            if plus and source[i] == 0x20:
                has_space = True
            else:
                extra += 2
    return text if extra == 0 and not has_space else _write(source, length, length + extra, kept, plus)


cdef str _write(const unsigned char *source, Py_ssize_t length, Py_ssize_t size, const bint *kept, bint plus):
    """Write source[0:length] encoded, which takes `size` characters: the caller has counted them."""
    cdef object text = PyUnicode_New(size, 127)
    cdef unsigned char *target = PyUnicode_1BYTE_DATA(text)
    cdef Py_ssize_t i
    for i in range(length):
        if kept[source[i]]:
            target[0] = source[i]
        elif plus and source[i] == 0x20:
            target[0] = 0x2B
        else:
            target[0] = 0x25
            target[1] = HEX[source[i] >> 4]
            target[2] = HEX[source[i] & 15]
            target += 2
        target += 1
    return <str>text


def quote(text not None, bint query=False):
    """Encode, for callers in Python: tests."""
    return quote_query(text) if query else quote_path(text)

"""The map of the JSON encoder: settings that do not change; what one call needs is its Scratch."""

cimport cython
from cpython.object cimport PyObject

from kolben.http._json_pairs cimport Pair
from kolben.http._json_scratch cimport Scratch


@cython.final
cdef class Encoder:
    """Writes what `json.dumps` writes.  Settings are fixed; safe to share between threads and to call from its own `default`."""

    cdef readonly bint ensure_ascii
    cdef readonly bint sort_keys
    cdef readonly object indent             # None, or what `json.dumps` takes
    cdef readonly tuple separators          # (between items, after a key)
    cdef readonly object default            # callable or None

    cdef bytes _comma                       # the separators as UTF-8
    cdef bytes _colon
    cdef bint _is_compact                   # each separator is one byte
    cdef bint _is_ascii                     # nothing but ASCII can come out
    cdef unsigned char *_spare              # memory kept from the last call, NULL while a call uses it
    cdef Py_ssize_t _spare_capacity

    cpdef bytes encode_response(self, object value)     # UTF-8, with the newline that ends Flask's answers
    cpdef bytes dump_bytes(self, object value)          # UTF-8
    cpdef str dumps(self, object value)

    cdef int open(self, Scratch *scratch) except -1             # then `close`, always
    cdef void close(self, Scratch *scratch) noexcept
    cdef bytes to_bytes(self, Scratch *scratch)
    cdef str to_str(self, Scratch *scratch)
    cdef str pretty(self, object value)

    cdef int write_value(self, Scratch *scratch, object value) except -1
    cdef int write_nested(self, Scratch *scratch, object value) except -1
    cdef object open_by_default(self, Scratch *scratch, object value)
    cdef int write_text(self, Scratch *scratch, object text) except -1
    cdef int write_short(self, Scratch *scratch, const unsigned char *p, Py_ssize_t n) noexcept
    cdef void write_piece(self, Scratch *scratch, int kind, const void *data, Py_ssize_t start, Py_ssize_t stop) noexcept
    cdef int write_sequence(self, Scratch *scratch, object values) except -1
    cdef int write_dict(self, Scratch *scratch, object mapping) except -1
    cdef int write_pairs(self, Scratch *scratch, const Pair *pairs, Py_ssize_t n) except -1
    cdef int write_short_key(self, Scratch *scratch, object key, bint follows) except -1
    cdef int write_items(self, Scratch *scratch, object mapping) except -1
    cdef int write_key(self, Scratch *scratch, object key) except -1

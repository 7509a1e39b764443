"""The map of the head parser: one request head as offsets into bytes that somebody else owns.

RequestHead, FieldSpan, PARTIAL and NO_FIELD can be cimported from here; they stand in _layout.pxd, with their meaning.
"""

cimport cython
from libc.stdint cimport uint32_t

from kolben.wire._layout cimport NO_FIELD, PARTIAL, FieldSpan, Refusal, RequestHead


@cython.final
cdef class HeadParser:
    """Parses heads, one at a time, into its own `head`.  Holds no bytes between two calls."""

    cdef RequestHead head
    cdef readonly Py_ssize_t request_line_limit     # bytes before its CRLF, empty lines before it included; 0: none
    cdef readonly Py_ssize_t head_limit             # bytes of the field lines, CRLFs included; 0: none
    cdef readonly int field_limit                   # 0: none
    cdef FieldSpan *_fields
    cdef int _capacity                              # of _fields
    cdef int _content_length                        # indexes of fields, or NO_FIELD
    cdef int _transfer_encoding
    cdef int _expect                                # of the first expectation that nobody can meet
    cdef int _seen                                  # flags, see _head.pyx
    cdef Refusal _refusal

    # Returns how many bytes the head takes, or PARTIAL.  `resume[0]` is 0 for a new head; on PARTIAL it is set to
    # where to go on, and the caller gives the same bytes from the same first byte, and more, the next time.
    # Raises RemoteProtocolError (400, 417, 421, 501, 505) or LimitExceeded (413, 414, 431).
    cdef Py_ssize_t parse(self, const unsigned char *p, Py_ssize_t n, uint32_t *resume) except -2

    # What follows is the parser's own.
    cdef Py_ssize_t _whole(self, const unsigned char *p, Py_ssize_t n) noexcept
    cdef Py_ssize_t _search_end(self, const unsigned char *p, Py_ssize_t n, uint32_t *resume) except -2
    cdef Py_ssize_t _field_line(self, const unsigned char *p, Py_ssize_t i, Py_ssize_t n) noexcept
    cdef void _known_field(self, const unsigned char *p, int index) noexcept
    cdef void _note(self, int *slot, int index, int when_taken) noexcept
    cdef Py_ssize_t _meaning(self, const unsigned char *p, Py_ssize_t end) noexcept
    cdef Py_ssize_t _framing(self, const unsigned char *p) noexcept
    cdef Py_ssize_t _connection(self) noexcept
    cdef Py_ssize_t _stop(
        self, Py_ssize_t outcome, const unsigned char *p, Py_ssize_t n, bint in_fields, uint32_t *resume,
    ) except -2
    cdef Py_ssize_t _beyond_limits(self, const unsigned char *p, Py_ssize_t end, bint in_fields, bint complete) noexcept
    cdef object _error(self, const unsigned char *p)

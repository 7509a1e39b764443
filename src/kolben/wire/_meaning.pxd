"""The map of the field values that decide about framing and about the connection.  p[0:n] is a value without whitespace around it."""

from libc.stdint cimport int64_t


cdef enum:                # options of Connection (RFC 9110, section 7.6.1)
    OPTION_CLOSE = 1
    OPTION_KEEP_ALIVE = 2
    OPTION_UPGRADE = 4

cdef enum:                # what read_length() returns beside a length
    NOT_A_LENGTH = -1
    TOO_LONG = -2

cdef int connection_options(const unsigned char *p, Py_ssize_t n) noexcept nogil
cdef bint is_continue(const unsigned char *p, Py_ssize_t n) noexcept nogil
cdef int judge_codings(const unsigned char *p, Py_ssize_t n) noexcept nogil      # 0: chunked and nothing else; or 400, 501
cdef int64_t read_length(const unsigned char *p, Py_ssize_t n) noexcept nogil

# cython: language_level=3
"""What Connection, Expect, Transfer-Encoding and Content-Length say.  Kernels: they borrow bytes and keep nothing."""

from kolben.wire._bytes cimport DIGIT, TOKEN, fill_classes, same_name

cdef unsigned char CLASS[256]
fill_classes(CLASS)

cdef int64_t LAST_LENGTH = 0x7fff_ffff_ffff_ffff


cdef inline bint is_blank(unsigned char byte) noexcept nogil:
    return byte == c" " or byte == c"\t"


cdef Py_ssize_t next_member(const unsigned char *p, Py_ssize_t n, Py_ssize_t *start, Py_ssize_t *length) noexcept nogil:
    """Find the member of a list that begins at start[0], without whitespace around it; return where the next one begins, > n at the end."""
    cdef Py_ssize_t i = start[0], end
    while i < n and is_blank(p[i]):
        i += 1
    start[0] = end = i
    while i < n and p[i] != c",":
        if not is_blank(p[i]):
            end = i + 1
        i += 1
    length[0] = end - start[0]
    return i + 1


cdef int connection_options(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t next_start = 0, start, length
    cdef int options = 0
    while next_start <= n:
        start = next_start
        next_start = next_member(p, n, &start, &length)
        if length == 5 and same_name(p + start, b"close", 5):
            options |= OPTION_CLOSE
        elif length == 10 and same_name(p + start, b"keep-alive", 10):
            options |= OPTION_KEEP_ALIVE
        elif length == 7 and same_name(p + start, b"upgrade", 7):
            options |= OPTION_UPGRADE
    return options


cdef bint is_continue(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    return n == 12 and p[0] == c"1" and p[1] == c"0" and p[2] == c"0" and same_name(p + 3, b"-continue", 9)


cdef int judge_codings(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    """RFC: what cannot be framed is 400 (RFC 9112, section 6.3); a coding that we do not know is 501 (section 6.1)."""
    cdef Py_ssize_t next_start = 0, start, length, i
    cdef bint chunked = False, unknown = False
    while next_start <= n:
        start = next_start
        next_start = next_member(p, n, &start, &length)
        if length == 0 or chunked:          # an empty member, or something after chunked
            return 400
        for i in range(start, start + length):
            if not CLASS[p[i]] & TOKEN:
                return 400
        if length == 7 and same_name(p + start, b"chunked", 7):
            chunked = True
        else:
            unknown = True
    return 501 if unknown else 0


cdef int64_t read_length(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    cdef int64_t length = 0
    cdef bint fits = True
    cdef Py_ssize_t i
    if n == 0:
        return NOT_A_LENGTH
    for i in range(n):
        if not CLASS[p[i]] & DIGIT:
            return NOT_A_LENGTH
        if length > (LAST_LENGTH - (p[i] - c"0")) // 10:
            fits = False
        if fits:
            length = length * 10 + (p[i] - c"0")
    return length if fits else TOO_LONG

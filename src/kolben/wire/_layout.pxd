"""What the head's kernels write into: plain memory, owned by the HeadParser."""

from libc.stdint cimport int64_t, uint32_t


cdef enum:
    PARTIAL = -1          # more bytes are needed
    NO_FIELD = -1         # the index of a field that did not come


cdef struct FieldSpan:    # offsets from the first byte of the head
    uint32_t name
    uint32_t name_length
    uint32_t value        # without the whitespace around it
    uint32_t value_length


cdef struct RequestHead:
    uint32_t start            # where the request line begins: empty lines before it are skipped (RFC 9112, section 2.2)
    uint32_t length           # first byte given to the byte after the empty line that ends the head
    uint32_t method_length    # the method stands at `start`
    uint32_t target           # as it was sent
    uint32_t target_length
    uint32_t path             # within the target; of the absolute form, too; "*" for the asterisk form
    uint32_t path_length      # 0: the absolute form had none, which means "/"
    uint32_t query            # after the "?"; length 0 if there is none
    uint32_t query_length
    uint32_t authority        # of the absolute form, which wins over Host (RFC 9112, section 3.2.2); length 0 otherwise
    uint32_t authority_length
    int minor_version         # 0 or 1 (a higher minor version of HTTP/1 counts as 1)
    int64_t content_length    # -1: the field did not come
    bint chunked
    bint keep_alive           # what version and Connection say together
    bint expect_continue      # and the version is 1.1
    bint upgrade              # Connection names it and the field is there
    bint escaped              # the path has a "%" or a byte that is not plain
    int host                  # indexes of fields, or NO_FIELD
    int content_type
    int cookie
    int field_count
    FieldSpan *fields         # field_count of them; owned by the HeadParser


cdef struct Refusal:      # why a head is refused, noted without touching a Python object
    Py_ssize_t at             # the first byte that does not fit, or WHOLE_HEAD
    Py_ssize_t shown          # where the bytes stand that the message shows, or WHOLE_HEAD for none
    Py_ssize_t length         # of these
    int status
    const char *expected
    const char *source


cdef enum:
    REFUSED = -3              # what a kernel returns beside PARTIAL: a Refusal says why
    WHOLE_HEAD = -1           # where a Refusal does not stand at one byte: it is told without waiting for the end of a line


cdef inline Py_ssize_t refuse(
    Refusal *refusal, Py_ssize_t at, Py_ssize_t length, int status, const char *expected, const char *source,
) noexcept nogil:
    refusal[0] = Refusal(at, at, length, status, expected, source)
    return REFUSED


cdef inline Py_ssize_t refuse_value(
    Refusal *refusal, const FieldSpan *span, int status, const char *expected, const char *source,
) noexcept nogil:
    refusal[0] = Refusal(WHOLE_HEAD, span.value, span.value_length, status, expected, source)
    return REFUSED


cdef inline Py_ssize_t end_line(
    const unsigned char *p, Py_ssize_t i, Py_ssize_t n, Refusal *refusal, const char *expected,
) noexcept nogil:
    """Step over CRLF at p[i]."""
    if i == n:
        return PARTIAL
    if p[i] != c"\r":
        return refuse(refusal, i, 1, 400, expected, b"RFC 9112, section 2.2")
    if i + 1 == n:
        return PARTIAL
    if p[i + 1] != c"\n":
        return refuse(refusal, i + 1, 1, 400, b"line end: expected LF after CR", b"RFC 9112, section 2.2")
    return i + 2

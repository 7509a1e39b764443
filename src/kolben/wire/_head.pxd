"""The map of the head parser: one request head as offsets into bytes that somebody else owns."""

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


cdef class HeadParser:
    """Parses heads, one at a time, into its own `head`.  Holds no bytes between two calls."""

    cdef RequestHead head
    cdef readonly Py_ssize_t request_line_limit     # bytes; 0: none
    cdef readonly Py_ssize_t head_limit             # bytes; 0: none
    cdef readonly int field_limit
    cdef FieldSpan *_fields

    # Returns how many bytes the head takes, or PARTIAL.  `resume[0]` is 0 for a new head; on PARTIAL it is set to
    # where to go on, and the caller gives the same bytes from the same first byte, and more, the next time.
    # Raises RemoteProtocolError (400, 501, 505) or LimitExceeded (414, 431).
    cdef Py_ssize_t parse(self, const unsigned char *p, Py_ssize_t n, uint32_t *resume) except -2

"""The map of the request line's grammar (RFC 9112, section 3)."""

from kolben.wire._layout cimport Refusal, RequestHead

# Reads the request line at the start of p[0:n] and its CRLF into `head`; a few empty lines before it are skipped.  Returns
# where it ends, PARTIAL or REFUSED (400, 414, 421, 505).  `limit` is in bytes without the last CRLF; 0: none.
cdef Py_ssize_t read_request_line(
    const unsigned char *p, Py_ssize_t n, Py_ssize_t limit, RequestHead *head, Refusal *refusal,
) noexcept nogil

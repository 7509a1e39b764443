"""The map of the response writer: one place that checks and serialises names, values, reasons and statuses."""

cimport cython


@cython.final
cdef class Output:
    """Bytes on their way to a peer.  Owns its memory; grows up to what its user allows; is used again and again."""

    cdef unsigned char *data
    cdef Py_ssize_t length
    cdef Py_ssize_t capacity

    cdef int reserve(self, Py_ssize_t more) except -1        # room for `more` bytes after `length`
    cdef int write(self, const unsigned char *p, Py_ssize_t n) except -1


# The bytes of a str (latin-1) or of bytes, borrowed; NULL if there are none to borrow.  They live as long as `text`.
cdef const unsigned char *latin1_bytes(object text, Py_ssize_t *length) noexcept
# b"HTTP/1.1 200 OK\r\n": cached where reason is None or the registered one.
cdef bytes status_line(int status, str reason)
cdef int write_status(Output output, int status, str reason) except -1
# Raises LocalProtocolError for a name that is no token or a value with CTL other than HTAB (RFC 9110, section 5.5).
# Names and values are str (latin-1) or bytes.
cdef int write_field(Output output, object name, object value) except -1
cdef int write_size(Output output, const char *name, Py_ssize_t size) except -1    # "Content-Length: 12\r\n"
cdef int write_chunk(Output output, const unsigned char *p, Py_ssize_t n) except -1    # never for n == 0
cdef int write_last_chunk(Output output) except -1

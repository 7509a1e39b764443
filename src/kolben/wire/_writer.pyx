# cython: language_level=3
"""Response heads and chunks to bytes.  The one place where names, values, reasons and statuses are checked before they leave.

Invariant: a refused field or status leaves nothing behind in the output.
"""

cimport cython
from http import HTTPStatus

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy, strlen

from kolben.wire._bytes cimport TOKEN, fill_classes, skip_text

from kolben.base.errors import LocalProtocolError

cdef extern from "Python.h":
    # Strings made by the C API of before Python 3.3 are not ready for these; nothing makes such strings any more.
    int PyUnicode_KIND(object text) noexcept
    int PyUnicode_1BYTE_KIND
    void *PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    const Py_ssize_t PY_SSIZE_T_MAX

cdef unsigned char CLASS[256]
fill_classes(CLASS)

cdef enum:
    FIRST_CAPACITY = 1024     # bytes
    LAST_STATUS = 999         # what three digits can say (RFC 9112, section 4); what it means is the application's choice
    LONGEST_SIZE = 20         # decimal digits of 2^63, and a sign


@cython.final
cdef class Output:
    """Bytes on their way to a peer."""

    def __cinit__(self):
        self.data = <unsigned char *>PyMem_Malloc(FIRST_CAPACITY)
        if self.data == NULL:
            raise MemoryError
        self.capacity = FIRST_CAPACITY

    def __dealloc__(self):
        PyMem_Free(self.data)

    def __len__(self):
        return self.length

    def __bytes__(self):
        return self.data[:self.length]

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t capacity = self.capacity
        cdef void *data
        if more <= capacity - self.length:
            return 0
        if more < 0 or more > PY_SSIZE_T_MAX // 2 - capacity:
            raise MemoryError
        capacity = max(2 * capacity, self.length + more)
        data = PyMem_Realloc(self.data, capacity)
        if data == NULL:
            raise MemoryError
        self.data = <unsigned char *>data
        self.capacity = capacity
        return 0

    cdef int write(self, const unsigned char *p, Py_ssize_t n) except -1:
        self.reserve(n)
        if n:                 # p may be NULL otherwise
            memcpy(self.data + self.length, p, n)
            self.length += n
        return 0

    def clear(self):
        """Forget what was written; keep the memory."""
        self.length = 0

    def write_bytes(self, bytes data not None):
        """Write `data` as it is."""
        self.write(data, len(data))

    def write_status(self, int status, str reason=None):
        """Write a status line; without `reason`, the registered one."""
        write_status(self, status, reason)

    def write_field(self, name, value):
        """Write a field line.

        Raises:
            LocalProtocolError: the name is no token, or the value has a control character or is not latin-1.
        """
        write_field(self, name, value)

    def write_size(self, bytes name not None, Py_ssize_t size):
        """Write a field line whose value is a number."""
        write_size(self, name, size)

    def write_chunk(self, bytes data not None):
        """Write a chunk; nothing for b"", which would end the body."""
        write_chunk(self, data, len(data))

    def write_last_chunk(self):
        """End a chunked body, without trailers."""
        write_last_chunk(self)


cdef const unsigned char *latin1_bytes(object text, Py_ssize_t *length) noexcept:
    if isinstance(text, str):
        if PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND:
            return NULL
        length[0] = PyUnicode_GET_LENGTH(text)
        return <const unsigned char *>PyUnicode_DATA(text)      # of this kind, code points are bytes
    if isinstance(text, bytes):
        length[0] = PyBytes_GET_SIZE(text)
        return <const unsigned char *>PyBytes_AS_STRING(text)
    return NULL


cdef int refuse(str what, object text, str source) except -1:
    raise LocalProtocolError(f"{what}, got {text!r:.80}", source=source)


cdef bytes make_status_line(int status, str reason):
    cdef Py_ssize_t length = 0
    cdef const unsigned char *p = latin1_bytes(reason, &length)
    if not 100 <= status <= LAST_STATUS:
        refuse("status: expected 100 to 999", status, "RFC 9110, section 15")
    if p == NULL or skip_text(CLASS, p, 0, length) != length:
        refuse("reason: expected latin-1 without control characters", reason, "RFC 9112, section 4")
    return b"HTTP/1.1 %d %b\r\n" % (status, p[:length])


# PERF: lists by status, so that the usual line costs no number object and no hashing.
cdef dict REGISTERED = {status.value: status.phrase for status in HTTPStatus}
cdef list REASONS = [REGISTERED.get(status, "") for status in range(LAST_STATUS + 1)]
cdef list STATUS_LINES = [make_status_line(status, REASONS[status]) if status >= 100 else b"" for status in range(LAST_STATUS + 1)]


cdef bytes status_line(int status, str reason):
    if 100 <= status <= LAST_STATUS and (reason is None or <str>REASONS[status] == reason):
        return <bytes>STATUS_LINES[status]
    return make_status_line(status, "" if reason is None else reason)


cdef int write_status(Output output, int status, str reason) except -1:
    cdef bytes line = status_line(status, reason)
    return output.write(<const unsigned char *>PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line))


cdef int write_field(Output output, object name, object value) except -1:
    cdef Py_ssize_t name_length = 0, value_length = 0, i = 0
    cdef const unsigned char *name_bytes = latin1_bytes(name, &name_length)
    cdef const unsigned char *value_bytes = latin1_bytes(value, &value_length)
    cdef unsigned char *to
    while i < name_length and CLASS[name_bytes[i]] & TOKEN:
        i += 1
    if i < name_length or name_length == 0:
        refuse("field name: expected a token", name, "RFC 9110, section 5.1")
    if value_bytes == NULL or skip_text(CLASS, value_bytes, 0, value_length) != value_length:
        refuse("field value: expected latin-1 str or bytes without control characters but HTAB", value, "RFC 9110, section 5.5")
    output.reserve(name_length + value_length + 4)
    to = output.data + output.length
    memcpy(to, name_bytes, name_length)
    to += name_length
    to[0] = c":"
    to[1] = c" "
    memcpy(to + 2, value_bytes, value_length)
    to += 2 + value_length
    to[0] = c"\r"
    to[1] = c"\n"
    output.length += name_length + value_length + 4
    return 0


cdef int write_size(Output output, const char *name, Py_ssize_t size) except -1:
    cdef unsigned char digits[LONGEST_SIZE]
    cdef int first = LONGEST_SIZE
    cdef size_t rest = size
    cdef size_t n = strlen(name)
    cdef unsigned char *p
    if size < 0:
        refuse("size: expected 0 or more", size, "RFC 9110, section 8.6")
    while True:
        first -= 1
        digits[first] = c"0" + rest % 10
        rest //= 10
        if rest == 0:
            break
    output.reserve(n + LONGEST_SIZE + 4)
    p = output.data + output.length
    memcpy(p, name, n)
    memcpy(p + n, b": ", 2)
    n += 2
    memcpy(p + n, digits + first, LONGEST_SIZE - first)
    n += LONGEST_SIZE - first
    memcpy(p + n, b"\r\n", 2)
    output.length += n + 2
    return 0


cdef int write_chunk(Output output, const unsigned char *p, Py_ssize_t n) except -1:
    cdef unsigned char digits[16]
    cdef int first = 16
    cdef Py_ssize_t size = n
    if n <= 0:
        return 0              # the size 0 would end the body
    while size:
        first -= 1
        digits[first] = <unsigned char>b"0123456789abcdef"[size & 15]
        size >>= 4
    output.reserve(n + 20)
    output.write(digits + first, 16 - first)
    output.write(<const unsigned char *>b"\r\n", 2)
    output.write(p, n)
    return output.write(<const unsigned char *>b"\r\n", 2)


cdef int write_last_chunk(Output output) except -1:
    return output.write(<const unsigned char *>b"0\r\n\r\n", 5)

# cython: language_level=3
"""Request heads: bytes to offsets, strictly by RFC 9112.

A head that came whole is read in one pass, without a Python object.  A head that came in pieces is first searched for its
end, line by line; each line is checked once when it is complete, so that a bad one is refused at once, and none is looked at
again before the end is there.  Then the whole head is read in that same one pass.  So a slow sender costs two passes, however
small its pieces are.

Invariant: what is refused, and why, does not depend on where the bytes were cut.  A line is judged when it is complete;
what several fields mean together, and how many there are, when the head is; a limit as soon as it is passed.  Only a first
byte with which no request begins is refused without waiting for the end of its line.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport uint32_t
from libc.string cimport memchr, memset

from kolben.wire._authority cimport WELL_FORMED, check_authority
from kolben.wire._bytes cimport TOKEN, fill_classes, same_name, skip_text
from kolben.wire._layout cimport (
    NO_FIELD, PARTIAL, REFUSED, WHOLE_HEAD, FieldSpan, Refusal, RequestHead, end_line, refuse, refuse_value,
)
from kolben.wire._meaning cimport (
    NOT_A_LENGTH,
    OPTION_CLOSE,
    OPTION_KEEP_ALIVE,
    OPTION_UPGRADE,
    TOO_LONG,
    connection_options,
    is_continue,
    judge_codings,
    read_length,
)
from kolben.wire._request_line cimport read_request_line

from kolben.base.errors import LimitExceeded, RemoteProtocolError

cdef unsigned char CLASS[256]
fill_classes(CLASS)

cdef enum:
    IN_FIELDS = 1             # flag of `resume`: the request line is through; above it stands how far the search came
    LAST_OFFSET = 0x7fff_ffff
    FIRST_CAPACITY = 64       # field spans
    SHOWN = 40                # bytes of what was refused that a message shows

cdef enum:                    # flags of `_seen`, beside the options of Connection (1, 2, 4)
    UPGRADE = 8
    CONTINUE = 16
    TWO_HOSTS = 32
    TWO_LENGTHS = 64
    TWO_CODINGS = 128

cdef const char *LONG_HEAD = b"field lines: expected at most `limits.head` bytes"
cdef const char *LONG_REQUEST_LINE = b"request line: expected at most `limits.request_line` bytes"
cdef const char *MANY_FIELDS = b"field lines: expected at most `limits.field_count` of them"
cdef const char *ONE_CODING = b"Transfer-Encoding: expected it once, in HTTP/1.1, and without Content-Length"
cdef const char *ONE_LENGTH = b"Content-Length: expected one number of decimal digits"
cdef const char *SECTION_5 = b"RFC 9112, section 5"
cdef const char *SECTION_6_1 = b"RFC 9112, section 6.1"


cdef bint grow(HeadParser parser) noexcept:
    """Make room for more field spans; False if memory is short."""
    cdef void *fields = PyMem_Realloc(parser._fields, 2 * parser._capacity * sizeof(FieldSpan))
    if fields != NULL:
        parser._fields = parser.head.fields = <FieldSpan *>fields
        parser._capacity *= 2
    return fields != NULL


cdef Py_ssize_t fields_start(const unsigned char *p, Py_ssize_t n) noexcept:
    """Return where the field lines begin in p[0:n], whose request line is known to be good."""
    cdef Py_ssize_t i = 0
    while p[i] == c"\r":
        i += 2
    return <const unsigned char *>memchr(p + i, c"\n", n - i) - p + 1


@cython.final
cdef class HeadParser:
    """See the map."""

    def __cinit__(self, Py_ssize_t request_line_limit=8 * 1024, Py_ssize_t head_limit=32 * 1024, int field_limit=100):
        if request_line_limit < 0 or head_limit < 0 or field_limit < 0:
            raise ValueError("limits: expected 0 (none) or more")
        self.request_line_limit = request_line_limit
        self.head_limit = head_limit
        self.field_limit = field_limit
        self._capacity = min(field_limit, FIRST_CAPACITY) or FIRST_CAPACITY
        self._fields = <FieldSpan *>PyMem_Malloc(self._capacity * sizeof(FieldSpan))
        if self._fields == NULL:
            raise MemoryError
        self.head.fields = self._fields

    def __dealloc__(self):
        PyMem_Free(self._fields)

    cdef Py_ssize_t parse(self, const unsigned char *p, Py_ssize_t n, uint32_t *resume) except -2:
        cdef Py_ssize_t end
        n = min(n, LAST_OFFSET)
        if resume[0]:
            end = self._search_end(p, n, resume)
            if end == PARTIAL:
                return PARTIAL
        end = self._whole(p, n)
        if end < 0:
            return self._stop(end, p, n, self.head.length != 0, resume)
        resume[0] = 0
        return end

    cdef Py_ssize_t _whole(self, const unsigned char *p, Py_ssize_t n) noexcept:
        cdef Py_ssize_t i, start
        memset(&self.head, 0, sizeof(self.head))
        self.head.fields = self._fields
        self.head.host = self.head.content_type = self.head.cookie = NO_FIELD
        self._content_length = self._transfer_encoding = self._expect = NO_FIELD
        self._seen = 0
        i = start = read_request_line(p, n, self.request_line_limit, &self.head, &self._refusal)
        if i < 0:
            return i
        self.head.length = i
        while i < n and p[i] != c"\r":
            i = self._field_line(p, i, n)
            if i < 0:
                return i
        if self.head_limit and i - start > self.head_limit:
            return refuse(&self._refusal, WHOLE_HEAD, 0, 431, LONG_HEAD, b"RFC 6585, section 5")
        i = end_line(p, i, n, &self._refusal, b"")
        if i < 0:
            return i
        self.head.length = i
        return self._meaning(p, i)

    cdef Py_ssize_t _search_end(self, const unsigned char *p, Py_ssize_t n, uint32_t *resume) except -2:
        """Return 0 when the head's end is in p[0:n], or PARTIAL.  Checks each line that became complete."""
        cdef bint in_fields = resume[0] & IN_FIELDS
        cdef Py_ssize_t at = resume[0] >> 1, start, i
        cdef const unsigned char *found = <const unsigned char *>memchr(p + at, c"\n", n - at)
        while found != NULL:
            # Once for each line: backwards from where the search stopped to where the line began.
            at = found - p
            start = at
            while start and p[start - 1] != c"\n":
                start -= 1
            if not in_fields:
                i = read_request_line(p, at + 1, self.request_line_limit, &self.head, &self._refusal)
                in_fields = i > 0
            elif p[start] == c"\r":
                i = end_line(p, start, at + 1, &self._refusal, b"")
                if i > 0:
                    return 0
            else:
                self.head.field_count = 0
                i = self._field_line(p, start, at + 1)
            if i == REFUSED:
                return self._stop(i, p, n, in_fields, resume)
            at += 1
            found = <const unsigned char *>memchr(p + at, c"\n", n - at)
        return self._stop(PARTIAL, p, n, in_fields, resume)

    cdef Py_ssize_t _field_line(self, const unsigned char *p, Py_ssize_t i, Py_ssize_t n) noexcept:
        cdef Py_ssize_t name = i, name_length, value, end
        cdef FieldSpan *span
        while i < n and CLASS[p[i]] & TOKEN:
            i += 1
        if i == n:
            return PARTIAL
        name_length = i - name
        if p[i] != c":" or name_length == 0:
            return refuse(&self._refusal, i, 1, 400, b"field line: expected a name, which is a token, and a colon", SECTION_5)
        i += 1
        while i < n and (p[i] == c" " or p[i] == c"\t"):
            i += 1
        value = i
        end = skip_text(CLASS, p, i, n)
        i = end_line(p, end, n, &self._refusal, b"field value: expected no control characters but HTAB")
        if i < 0:
            return i
        while end > value and (p[end - 1] == c" " or p[end - 1] == c"\t"):
            end -= 1
        if self.field_limit and self.head.field_count > self.field_limit:
            return i      # one too many is kept, to be told when the head is complete
        if self.head.field_count == self._capacity and not grow(self):
            return refuse(&self._refusal, WHOLE_HEAD, 0, 0, b"", b"")
        span = &self._fields[self.head.field_count]
        span.name = name
        span.name_length = name_length
        span.value = value
        span.value_length = end - value
        self._known_field(p, self.head.field_count)
        self.head.field_count += 1
        return i

    cdef void _known_field(self, const unsigned char *p, int index) noexcept:
        """Note the field if its name means something here."""
        cdef FieldSpan *span = &self._fields[index]
        cdef const unsigned char *name = p + span.name
        cdef int n = span.name_length
        if n == 4 and same_name(name, b"host", 4):
            self._note(&self.head.host, index, TWO_HOSTS)
        elif n == 6 and same_name(name, b"cookie", 6):
            self._note(&self.head.cookie, index, 0)
        elif n == 6 and same_name(name, b"expect", 6):
            if is_continue(p + span.value, span.value_length):
                self._seen |= CONTINUE
            else:
                self._note(&self._expect, index, 0)
        elif n == 7 and same_name(name, b"upgrade", 7):
            self._seen |= UPGRADE
        elif n == 10 and same_name(name, b"connection", 10):
            self._seen |= connection_options(p + span.value, span.value_length)
        elif n == 12 and same_name(name, b"content-type", 12):
            self._note(&self.head.content_type, index, 0)
        elif n == 14 and same_name(name, b"content-length", 14):
            self._note(&self._content_length, index, TWO_LENGTHS)
        elif n == 17 and same_name(name, b"transfer-encoding", 17):
            self._note(&self._transfer_encoding, index, TWO_CODINGS)

    cdef void _note(self, int *slot, int index, int when_taken) noexcept:
        """Keep the first index in slot[0]; a second one sets the flag."""
        if slot[0] == NO_FIELD:
            slot[0] = index
        else:
            self._seen |= when_taken

    cdef Py_ssize_t _meaning(self, const unsigned char *p, Py_ssize_t end) noexcept:
        """Check what the fields mean together; return `end`."""
        cdef FieldSpan *host = &self._fields[max(self.head.host, 0)]
        if self.field_limit and self.head.field_count > self.field_limit:
            return refuse(&self._refusal, WHOLE_HEAD, 0, 431, MANY_FIELDS, b"RFC 6585, section 5")
        if self._seen & TWO_HOSTS or (self.head.host == NO_FIELD and self.head.minor_version):
            return refuse(&self._refusal, WHOLE_HEAD, 0, 400, b"Host: expected exactly one", b"RFC 9112, section 3.2")
        if self.head.host != NO_FIELD and check_authority(p + host.value, host.value_length, False) != WELL_FORMED:
            return refuse_value(&self._refusal, host, 400, b"Host: expected a host, perhaps with a port", b"RFC 9112, section 3.2")
        if self._framing(p) == REFUSED or self._connection() == REFUSED:
            return REFUSED
        return end

    cdef Py_ssize_t _framing(self, const unsigned char *p) noexcept:
        """Find how the body is delimited (RFC 9112, section 6.3)."""
        cdef FieldSpan *field
        cdef int status
        self.head.content_length = -1
        if self._transfer_encoding != NO_FIELD:
            field = &self._fields[self._transfer_encoding]
            if self._seen & TWO_CODINGS or self._content_length != NO_FIELD or not self.head.minor_version:
                return refuse_value(&self._refusal, field, 400, ONE_CODING, SECTION_6_1)
            status = judge_codings(p + field.value, field.value_length)
            if status:
                return refuse_value(&self._refusal, field, status, b"Transfer-Encoding: expected chunked", SECTION_6_1)
            self.head.chunked = True
        if self._content_length != NO_FIELD:
            field = &self._fields[self._content_length]
            self.head.content_length = read_length(p + field.value, field.value_length)
            if self.head.content_length == NOT_A_LENGTH or self._seen & TWO_LENGTHS:
                return refuse_value(&self._refusal, field, 400, ONE_LENGTH, b"RFC 9112, section 6.3")
            if self.head.content_length == TOO_LONG:
                return refuse_value(&self._refusal, field, 413, b"Content-Length: expected less than 2^63", b"RFC 9110, section 8.6")
        return 0

    cdef Py_ssize_t _connection(self) noexcept:
        """Find what happens to the connection.  HTTP/1.0 knows neither Expect nor Upgrade, and stays only when it asks to."""
        if not self.head.minor_version:
            self.head.keep_alive = (self._seen & (OPTION_CLOSE | OPTION_KEEP_ALIVE)) == OPTION_KEEP_ALIVE
            return 0
        if self._expect != NO_FIELD:
            return refuse_value(
                &self._refusal, &self._fields[self._expect], 417, b"Expect: expected 100-continue", b"RFC 9110, section 10.1.1",
            )
        self.head.expect_continue = (self._seen & CONTINUE) != 0
        self.head.upgrade = (self._seen & (OPTION_UPGRADE | UPGRADE)) == (OPTION_UPGRADE | UPGRADE)
        self.head.keep_alive = (self._seen & OPTION_CLOSE) == 0
        return 0

    cdef Py_ssize_t _stop(
        self, Py_ssize_t outcome, const unsigned char *p, Py_ssize_t n, bint in_fields, uint32_t *resume,
    ) except -2:
        """Wait for more, unless what came is refused already."""
        cdef Py_ssize_t at = self._refusal.at, end = n
        cdef const unsigned char *found
        if outcome == REFUSED and at <= 0:
            raise self._error(p)
        if outcome == REFUSED:
            found = <const unsigned char *>memchr(p + at, c"\n", n - at)
            if found == NULL:
                outcome = PARTIAL
            else:
                end = found + 1 - p
        if self._beyond_limits(p, end, in_fields, outcome == REFUSED) == REFUSED or outcome == REFUSED:
            raise self._error(p)
        if n == LAST_OFFSET:
            raise LimitExceeded("head: longer than offsets reach", status=431)
        resume[0] = <uint32_t>n << 1 | (IN_FIELDS if in_fields else 0)
        return PARTIAL

    cdef Py_ssize_t _beyond_limits(self, const unsigned char *p, Py_ssize_t end, bint in_fields, bint complete) noexcept:
        """Refuse if what stands before `end` is too much already; `complete`: a line ends there."""
        cdef Py_ssize_t length = end
        if in_fields:
            if self.head_limit and end > self.head_limit:
                length -= fields_start(p, end)
                if not complete:
                    length -= 1      # it may be the CR of the empty line, which does not count
                if length > self.head_limit:
                    return refuse(&self._refusal, WHOLE_HEAD, 0, 431, LONG_HEAD, b"RFC 6585, section 5")
        elif self.request_line_limit:
            if length and p[length - 1] == c"\n":
                length -= 1
            if length and p[length - 1] == c"\r":
                length -= 1
            if length > self.request_line_limit:
                return refuse(&self._refusal, WHOLE_HEAD, 0, 414, LONG_REQUEST_LINE, b"RFC 9112, section 3")
        return 0

    cdef object _error(self, const unsigned char *p):
        """Make the exception that `_refusal` tells of."""
        cdef Refusal *refusal = &self._refusal
        if refusal.status == 0:
            return MemoryError()
        message = refusal.expected.decode("ascii")
        if refusal.shown >= 0:
            message += f", got {p[refusal.shown:refusal.shown + min(refusal.length, SHOWN)]!r}"
        kind = LimitExceeded if refusal.status in (413, 414, 431) else RemoteProtocolError
        return kind(message, status=refusal.status, source=refusal.source.decode("ascii"))

    def parse_bytes(self, object data, uint32_t resume=0):
        """Parse a head at the start of `data`.

        Returns:
            True and how many bytes it takes; or False and what to give as `resume`, with the same bytes and more.

        Raises:
            RemoteProtocolError: the bytes break RFC 9112; `status` is what to answer.
            LimitExceeded: more than a limit allows.
        """
        cdef Py_buffer view
        cdef Py_ssize_t length
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            length = self.parse(<const unsigned char *>view.buf, view.len, &resume)
        finally:
            PyBuffer_Release(&view)
        if length == PARTIAL:
            return False, resume
        return True, length

    def parsed(self, bytes data not None):
        """Return what the last parsed head says, by the names of `events.RequestHead`; `data` is where it was parsed from."""
        cdef RequestHead *head = &self.head
        cdef const unsigned char *p = data
        cdef int i
        if len(data) < head.length or head.length == 0:
            raise ValueError("data: expected the bytes that were parsed")
        return {
            "method": p[head.start:head.start + head.method_length].decode("ascii"),
            "target": slice_of(p, head.target, head.target_length),
            "path": slice_of(p, head.path, head.path_length) or b"/",
            "query": slice_of(p, head.query, head.query_length),
            "authority": slice_of(p, head.authority, head.authority_length),
            "version": (1, head.minor_version),
            "content_length": head.content_length if head.content_length >= 0 else None,
            "chunked": bool(head.chunked),
            "keep_alive": bool(head.keep_alive),
            "expect_continue": bool(head.expect_continue),
            "upgrade": bool(head.upgrade),
            "escaped": bool(head.escaped),
            "fields": tuple([
                (
                    slice_of(p, self._fields[i].name, self._fields[i].name_length),
                    slice_of(p, self._fields[i].value, self._fields[i].value_length),
                )
                for i in range(head.field_count)
            ]),
        }


cdef bytes slice_of(const unsigned char *p, uint32_t start, uint32_t length):
    return p[start:start + length]

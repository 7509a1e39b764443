# cython: language_level=3
"""Request lines: method, target, version (RFC 9112, section 3).

A target is visible ASCII without a fragment.  Of the bytes that no URI has, those that browsers send unescaped are taken:
"|" and "^", and in a query also "\\", "`", "{" and "}".  "%" is not looked behind: what it stands for is the reader's business.
"""

from libc.string cimport memcmp

from kolben.wire._authority cimport WELL_FORMED, check_authority
from kolben.wire._bytes cimport PATH, PLAIN, QUERY, TOKEN, fill_classes, same_name
from kolben.wire._layout cimport PARTIAL, WHOLE_HEAD, Refusal, RequestHead, end_line, refuse

cdef unsigned char CLASS[256]
fill_classes(CLASS)

cdef enum:
    EMPTY_LINES = 4           # that may stand before a request line

cdef const char *AFTER_SCHEME = b"://"
cdef const char *BEFORE_DIGITS = b"HTTP/"
cdef const char *FORMS = b"target: expected a path that begins with a slash, or an absolute URI"
cdef const char *VERSION = b"request line: expected HTTP/1.1 or HTTP/1.0, and CRLF after it"
cdef const char *SECTION_2_3 = b"RFC 9112, section 2.3"
cdef const char *SECTION_3 = b"RFC 9112, section 3"


cdef Py_ssize_t read_request_line(
    const unsigned char *p, Py_ssize_t n, Py_ssize_t limit, RequestHead *head, Refusal *refusal,
) noexcept nogil:
    cdef Py_ssize_t i = 0
    while i < n and p[i] == c"\r":
        if i == 2 * EMPTY_LINES:
            return refuse(refusal, i, 0, 400, b"request line: too many empty lines before it", b"RFC 9112, section 2.2")
        i = end_line(p, i, n, refusal, b"")
        if i < 0:
            return i
    head.start = i
    while i < n and CLASS[p[i]] & TOKEN:
        i += 1
    if i == n:
        return PARTIAL
    head.method_length = i - head.start
    if p[i] != c" " or head.method_length == 0:
        return refuse(refusal, i, 1, 400, b"request line: expected a method, which is a token, and one space", b"RFC 9112, section 3.1")
    i = read_target(p, i + 1, n, head, refusal)
    if i < 0:
        return i
    head.target_length = i - head.target
    if p[i] != c" ":
        return refuse(
            refusal, i, 1, 400, b"request line: expected one space and HTTP/1.1 after the target, whose other bytes are escaped", SECTION_3,
        )
    i = read_version(p, i + 1, n, head, refusal)
    if limit and i - 2 > limit:
        return refuse(refusal, WHOLE_HEAD, 0, 414, b"request line: expected at most `limits.request_line` bytes", SECTION_3)
    return i


cdef Py_ssize_t read_target(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, RequestHead *head, Refusal *refusal) noexcept nogil:
    """Read the target in one of its four forms; return where it ends, which is within p[0:n] (RFC 9112, section 3.2)."""
    cdef const unsigned char *method = p + head.start
    head.target = i
    if i == n:
        return PARTIAL
    if head.method_length == 7:
        if memcmp(method, b"CONNECT", 7) == 0:
            return read_authority_form(p, i, n, head, refusal)
        if p[i] == c"*" and memcmp(method, b"OPTIONS", 7) == 0:
            head.path = i
            head.path_length = 1
            return i + 1 if i + 1 < n else PARTIAL
    if p[i] == c"/":
        return read_path_and_query(p, i, n, head, refusal)
    return read_absolute_form(p, i, n, head, refusal)


cdef Py_ssize_t read_path_and_query(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, RequestHead *head, Refusal *refusal) noexcept nogil:
    cdef unsigned char byte_class, common = PLAIN
    head.path = i
    while i < n:
        byte_class = CLASS[p[i]]
        if not byte_class & PATH:
            break
        common &= byte_class
        i += 1
    head.path_length = i - head.path
    head.escaped = common == 0
    if i < n and p[i] == c"?":
        i += 1
        head.query = i
        while i < n and CLASS[p[i]] & QUERY:
            i += 1
        head.query_length = i - head.query
    return i if i < n else PARTIAL


cdef Py_ssize_t read_absolute_form(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, RequestHead *head, Refusal *refusal) noexcept nogil:
    cdef Py_ssize_t start = i, length, fault
    cdef int k
    while i < n and CLASS[p[i]] & TOKEN:
        i += 1
    length = i - start
    for k in range(3):
        if i == n:
            return PARTIAL
        if p[i] != <unsigned char>AFTER_SCHEME[k] or length == 0:
            return refuse(refusal, start, 1, 400, FORMS, b"RFC 9112, section 3.2")
        i += 1
    if not (length == 4 and same_name(p + start, b"http", 4)) and not (length == 5 and same_name(p + start, b"https", 5)):
        return refuse(refusal, start, length, 421, b"target: expected the scheme http or https", b"RFC 9110, section 7.4")
    start = i
    while i < n and CLASS[p[i]] & PATH and p[i] != c"/":
        i += 1
    if i == n:
        return PARTIAL
    fault = check_authority(p + start, i - start, False)
    if fault != WELL_FORMED:
        return refuse(
            refusal, start + fault, 1, 400, b"target: expected a host, perhaps with a port, and no user name", b"RFC 9110, section 4.2",
        )
    head.authority = start
    head.authority_length = i - start
    return read_path_and_query(p, i, n, head, refusal)


cdef Py_ssize_t read_authority_form(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, RequestHead *head, Refusal *refusal) noexcept nogil:
    cdef Py_ssize_t start = i, fault
    while i < n and CLASS[p[i]] & PATH:
        i += 1
    if i == n:
        return PARTIAL
    fault = check_authority(p + start, i - start, True)
    if fault != WELL_FORMED:
        return refuse(refusal, start + fault, 1, 400, b"target: CONNECT expected host:port", b"RFC 9112, section 3.2.3")
    head.authority = head.path = start
    head.authority_length = i - start
    return i


cdef Py_ssize_t read_version(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, RequestHead *head, Refusal *refusal) noexcept nogil:
    cdef Py_ssize_t start = i
    if i + 10 <= n and memcmp(p + i, b"HTTP/1.1\r\n", 10) == 0:
        head.minor_version = 1
        return i + 10
    while i < n and i - start < 8:
        if i - start < 5:
            if p[i] != <unsigned char>BEFORE_DIGITS[i - start]:
                return refuse(refusal, i, 1, 400, VERSION, SECTION_2_3)
        elif p[i] != c"." if i - start == 6 else not c"0" <= p[i] <= c"9":
            return refuse(refusal, i, 1, 400, VERSION, SECTION_2_3)
        i += 1
    if i == n:
        return PARTIAL
    i = end_line(p, i, n, refusal, VERSION)
    if i > 0:
        head.minor_version = p[start + 7] != c"0"
        if p[start + 5] != c"1":
            return refuse(refusal, start, 8, 505, VERSION, b"RFC 9110, section 15.6.6")
    return i

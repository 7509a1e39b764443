# cython: language_level=3
"""Who a request is for: host and port, checked byte by byte.

Ports end at 65535.  An address in brackets is an IPv6 address; IPvFuture, which nobody has assigned, and zones, which mean
something only on the sender's machine, are refused.
"""

from kolben.wire._bytes cimport DIGIT, HEX, NAME, fill_classes

cdef unsigned char CLASS[256]
fill_classes(CLASS)

cdef enum:
    LAST_PORT = 65535
    GROUPS = 8            # of an IPv6 address


cdef Py_ssize_t check_authority(const unsigned char *p, Py_ssize_t n, bint port_required) noexcept nogil:
    cdef Py_ssize_t i = 0
    if n and p[0] == c"[":
        while i < n and p[i] != c"]":
            i += 1
        if i == n:
            return n
        if not is_ipv6(p + 1, i - 1):
            return 1
        i += 1
    else:
        i = read_name(p, n)
        if i == 0:
            return 0
    if i == n:
        return n if port_required else WELL_FORMED
    if p[i] != c":":
        return i
    return check_port(p, i + 1, n, port_required)


cdef Py_ssize_t read_name(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    """Return how many bytes at p[0:n] are a reg-name."""
    cdef Py_ssize_t i = 0
    while i < n:
        if CLASS[p[i]] & NAME:
            i += 1
        elif p[i] == c"%" and i + 2 < n and CLASS[p[i + 1]] & HEX and CLASS[p[i + 2]] & HEX:
            i += 3
        else:
            break
    return i


cdef Py_ssize_t check_port(const unsigned char *p, Py_ssize_t i, Py_ssize_t n, bint required) noexcept nogil:
    cdef long port = 0
    if i == n and required:
        return n
    while i < n:
        if not CLASS[p[i]] & DIGIT:
            return i
        port = port * 10 + (p[i] - c"0")
        if port > LAST_PORT:      # before it could overflow
            return i
        i += 1
    return WELL_FORMED


cdef bint is_ipv6(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    """Whether p[0:n] is an IPv6 address (RFC 3986, section 3.2.2): eight groups, or fewer around one "::"."""
    cdef Py_ssize_t i = 0, start
    cdef int groups = 0
    cdef bint gap = False
    while i < n:
        if p[i] == c":" and (groups or i == 0):
            if i + 1 < n and p[i + 1] == c":":
                if gap:
                    return False
                gap = True
                i += 2
                if i == n:
                    break
            elif groups == 0:
                return False
            else:
                i += 1
        start = i
        while i < n and i - start < 4 and CLASS[p[i]] & HEX:
            i += 1
        if i == start:
            return False
        if i < n and p[i] == c".":
            if not is_ipv4(p + start, n - start):
                return False
            groups += 2
            break
        groups += 1
        if i < n and p[i] != c":":
            return False
    return groups < GROUPS if gap else groups == GROUPS


cdef bint is_ipv4(const unsigned char *p, Py_ssize_t n) noexcept nogil:
    """Whether p[0:n] is four numbers up to 255 without leading zeros."""
    cdef Py_ssize_t i = 0, start
    cdef int number, value
    for number in range(4):
        if number:
            if i == n or p[i] != c".":
                return False
            i += 1
        start = i
        value = 0
        while i < n and i - start < 3 and CLASS[p[i]] & DIGIT:
            value = value * 10 + (p[i] - c"0")
            i += 1
        if i == start or value > 255 or (i - start > 1 and p[start] == c"0"):
            return False
    return i == n

"""Classes of bytes, one table for every kernel of the room (RFC 9110, section 5.6.2; RFC 3986, appendix A).

Each module that looks bytes up holds a table of its own, filled at import: a table shared between modules would be read
through a pointer.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset, strlen


cdef enum:                # what a byte may be part of
    TOKEN = 1             # a method, a field name, a coding
    TEXT = 2              # a field value, a reason: HTAB, SP, visible ASCII and obs-text
    PLAIN = 4             # a path, and means itself
    PATH = 8              # a path: what browsers send raw ("|", "^") is taken, too
    QUERY = 16            # a query: browsers escape less there
    NAME = 32             # a reg-name, but for "%"
    HEX = 64
    DIGIT = 128


cdef inline void add_class(unsigned char *table, unsigned char flag, const char *members) noexcept nogil:
    cdef size_t i
    for i in range(strlen(members)):
        table[<unsigned char>members[i]] |= flag


cdef inline void fill_classes(unsigned char *table) noexcept nogil:
    """Fill 256 bytes."""
    cdef const char *letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    cdef const char *unreserved = b"-._~"
    cdef const char *sub_delims = b"!$&'()*+,;="
    cdef int byte
    cdef unsigned char everywhere = TOKEN | PLAIN | PATH | QUERY | NAME
    memset(table, 0, 256)
    add_class(table, everywhere, letters)
    add_class(table, TOKEN, b"!#$%&'*+-.^_`|~")
    add_class(table, PLAIN | PATH | QUERY | NAME, unreserved)
    add_class(table, PLAIN | PATH | QUERY | NAME, sub_delims)
    add_class(table, PLAIN | PATH | QUERY, b":@/")
    add_class(table, PATH | QUERY, b"%|^[]")
    add_class(table, QUERY, b"?\\`{}'")
    add_class(table, HEX, b"0123456789ABCDEFabcdef")
    add_class(table, DIGIT, b"0123456789")
    table[9] |= TEXT
    for byte in range(0x20, 0x100):
        if byte != 0x7f:
            table[byte] |= TEXT


cdef extern from *:
    int count_trailing_zeros "__builtin_ctzll"(unsigned long long word) noexcept nogil
    const bint LITTLE_ENDIAN "(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)"


cdef inline Py_ssize_t skip_text(const unsigned char *table, const unsigned char *p, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """Return the index of the first byte at or after i that is not TEXT, or n.

    PERF: eight bytes at a time; the byte-wise loop alone takes about three times as long on a browser's head.
    """
    cdef uint64_t word, suspects
    while i + 8 <= n:
        memcpy(&word, p + i, 8)
        # The high bit of each byte below 0x20 or equal to 0x7f; bytes above the first such one may be marked wrongly.
        suspects = ((word - <uint64_t>0x2020202020202020) & ~word) | (
            ((word ^ <uint64_t>0x7f7f7f7f7f7f7f7f) - <uint64_t>0x0101010101010101) & ~(word ^ <uint64_t>0x7f7f7f7f7f7f7f7f)
        )
        suspects &= <uint64_t>0x8080808080808080
        if suspects == 0:
            i += 8
            continue
        if LITTLE_ENDIAN:
            i += count_trailing_zeros(suspects) >> 3
            if p[i] != c"\t":
                return i
            i += 1
            continue
        break
    while i < n and table[p[i]] & TEXT:
        i += 1
    return i


cdef inline bint same_name(const unsigned char *p, const char *name, Py_ssize_t n) noexcept nogil:
    """Whether p[0:n], a token, is `name` (lower-case letters and "-") in any case."""
    cdef Py_ssize_t i
    for i in range(n):
        # Bit 5 is the case of a letter; the only other byte that it turns into "-" is CR, which no token has.
        if (p[i] | 0x20) != <unsigned char>name[i]:
            return False
    return True

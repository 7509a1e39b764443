"""Kernels of the JSON encoder: characters with their escapes, and numbers.

Each borrows what it reads, writes at `out` where the caller made room, and returns how many bytes it wrote.
"""

cimport cython
from libc.math cimport signbit
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef uint64_t ONES = 0x0101010101010101ULL
cdef uint64_t HIGHS = 0x8080808080808080ULL
cdef double LEAST = 1e-4            # below, repr() uses an exponent
cdef double MOST = 1e9              # below, a number with six decimals has at most 15 digits

cdef const char *HEX = b"0123456789abcdef"
cdef uint8_t PLAIN[256]             # 1: the character stands for itself
cdef uint8_t LETTER[128]            # what follows the backslash in a short escape, or 0


cdef void fill_tables():
    cdef int c
    for c in range(256):
        PLAIN[c] = 0x20 <= c <= 0x7E and c != c'"' and c != c"\\"
    for c in range(128):
        LETTER[c] = 0
    for escaped, letter in zip(b'"\\\b\f\n\r\t', b'"\\bfnrt', strict=True):
        LETTER[<int>escaped] = letter


fill_tables()


cdef inline Py_ssize_t write_hex_escape(uint8_t *out, uint32_t unit) noexcept nogil:
    out[0] = c"\\"
    out[1] = c"u"
    out[2] = HEX[unit >> 12]
    out[3] = HEX[(unit >> 8) & 15]
    out[4] = HEX[(unit >> 4) & 15]
    out[5] = HEX[unit & 15]
    return 6


cdef Py_ssize_t write_utf8(uint8_t *out, uint32_t c) noexcept nogil:
    """Write one character; a lone surrogate is written as if it were one."""
    if c < 0x80:
        out[0] = c
        return 1
    if c < 0x800:
        out[0] = 0xC0 | (c >> 6)
        out[1] = 0x80 | (c & 63)
        return 2
    if c < 0x10000:
        out[0] = 0xE0 | (c >> 12)
        out[1] = 0x80 | ((c >> 6) & 63)
        out[2] = 0x80 | (c & 63)
        return 3
    out[0] = 0xF0 | (c >> 18)
    out[1] = 0x80 | ((c >> 12) & 63)
    out[2] = 0x80 | ((c >> 6) & 63)
    out[3] = 0x80 | (c & 63)
    return 4


cdef Py_ssize_t write_special(uint8_t *out, uint32_t c, bint ensure_ascii) noexcept nogil:
    """Write a character that is not PLAIN: at most 12 bytes, 6 for one below U+10000."""
    if c < 0x80 and LETTER[c]:
        out[0] = c"\\"
        out[1] = LETTER[c]
        return 2
    if c >= 0x20 and not ensure_ascii:
        return write_utf8(out, c)
    if c < 0x10000:
        return write_hex_escape(out, c)
    c -= 0x10000
    write_hex_escape(out, 0xD800 | (c >> 10))
    return 6 + write_hex_escape(out + 6, 0xDC00 | (c & 0x3FF))


@cython.overflowcheck(False)        # the sums wrap around, as they should
cdef inline bint is_plain_word(uint64_t word) noexcept nogil:
    """Whether all eight bytes stand for themselves.  Each term sets the high bit of a byte that does not; a borrow or a carry
    leaves such a byte only, so it can make a plain neighbour look special but no special byte look plain."""
    return ((word | (word + ONES) | (word - ONES * 0x20) | ((word ^ ONES * 0x22) - ONES) | ((word ^ ONES * 0x5C) - ONES)) & HIGHS) == 0


@cython.overflowcheck(False)        # it takes `out - start` for a difference of ints
cdef Py_ssize_t write_characters(uint8_t *out, const Unit *p, Py_ssize_t n, bint ensure_ascii) noexcept nogil:
    """Write p[0:n] with its escapes: at most 6 bytes for each character, 12 where characters are four bytes wide."""
    cdef uint8_t *start = out
    cdef uint64_t word
    cdef uint32_t head, tail
    cdef Py_ssize_t i = 0, stop
    if Unit is uint8_t:
        if 4 <= n < 8:                                    # as most names are: its first four and its last four
            memcpy(&head, p, 4)
            memcpy(&tail, p + n - 4, 4)
            if is_plain_word(head | <uint64_t>tail << 32):
                memcpy(out, &head, 4)
                memcpy(out + n - 4, &tail, 4)
                return n
    while i < n:
        stop = n
        if Unit is uint8_t:
            # PERF: eight bytes a step, and one by one only where they are mixed.
            while i + 8 <= n:
                memcpy(&word, p + i, 8)
                if not is_plain_word(word):
                    break
                memcpy(out, &word, 8)
                out += 8
                i += 8
            if i + 8 > n >= 8 and i < n:                  # the last eight: those that were written already are plain, or all are mixed
                memcpy(&word, p + n - 8, 8)
                if is_plain_word(word):
                    memcpy(out + (n - 8 - i), &word, 8)
                    return out + (n - i) - start
            stop = min(i + 8, n)
        while i < stop:
            if p[i] < 128 and PLAIN[p[i]]:
                out[0] = <uint8_t>p[i]
                out += 1
            else:
                out += write_special(out, p[i], ensure_ascii)
            i += 1
    return out - start


cdef bint has_surrogate(const Unit *p, Py_ssize_t n) noexcept nogil:
    cdef bint found = False
    cdef Py_ssize_t i
    for i in range(n):
        found |= 0xD800 <= p[i] <= 0xDFFF
    return found


cdef Py_ssize_t write_decimal(uint8_t *out, uint64_t number) noexcept nogil:
    """Write up to 20 digits."""
    cdef uint8_t digits[DIGITS]
    cdef Py_ssize_t i = DIGITS
    while True:
        i -= 1
        digits[i] = <uint8_t>(c"0" + number % 10)
        number //= 10
        if not number:
            break
    memcpy(out, digits + i, DIGITS - i)
    return DIGITS - i


@cython.overflowcheck(False)        # it takes `out - start` for a difference of ints
cdef Py_ssize_t write_short_double(uint8_t *out, double value) noexcept nogil:
    """Write a number that has at most six decimals as repr() does, or return 0; at most 24 bytes.

    If value == k / 10**6 and k has at most 15 digits, then no other decimal with at most 15 digits reads as `value`
    (DBL_DIG), so k / 10**6 without its trailing zeros is the shortest text that does: what repr() looks for.
    PERF: some 15 times faster than the general way.
    """
    cdef uint8_t *start = out
    cdef uint64_t number, fraction
    cdef double size = -value if value < 0 else value
    cdef Py_ssize_t i, places = 6
    if value == 0 and not signbit(value):
        memcpy(out, b"0.0", 3)
        return 3
    if not LEAST <= size < MOST:
        return 0
    number = <uint64_t>(size * 1e6 + 0.5)
    if <double>number / 1e6 != size:
        return 0
    if value < 0:
        out[0] = c"-"
        out += 1
    out += write_decimal(out, number // 1000000)
    out[0] = c"."
    fraction = number % 1000000
    while places > 1 and fraction % 10 == 0:
        fraction //= 10
        places -= 1
    out += 1 + places
    for i in range(1, places + 1):
        out[-i] = <uint8_t>(c"0" + fraction % 10)
        fraction //= 10
    return out - start

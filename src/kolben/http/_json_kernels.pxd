"""The map of the JSON encoder's kernels."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef enum:
    DIGITS = 20                     # bytes of the longest 64-bit number, with its sign
    DOUBLE = 24                     # bytes of the longest number that write_short_double writes, and some


ctypedef fused Unit:                # how wide a str keeps its characters
    uint8_t
    uint16_t
    uint32_t


# Write p[0:n]: at most 6 bytes for each character, 12 where they are four bytes wide.
cdef Py_ssize_t write_characters(uint8_t *out, const Unit *p, Py_ssize_t n, bint ensure_ascii) noexcept nogil
cdef bint has_surrogate(const Unit *p, Py_ssize_t n) noexcept nogil
cdef Py_ssize_t write_decimal(uint8_t *out, uint64_t number) noexcept nogil             # at most DIGITS bytes
cdef Py_ssize_t write_short_double(uint8_t *out, double value) noexcept nogil           # at most DOUBLE bytes; 0 for "not I"

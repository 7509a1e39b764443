"""The map of patterns: what a dynamic part of a rule accepts, and how its text becomes a value."""


cpdef enum:                # Pattern.shape: what stands between prefix and suffix
    REGEX = 0             # anything else: the part's own regular expression decides
    TEXT = 1              # minimum to maximum characters, none a slash
    PATH = 2              # one character that is no slash, then anything without a line feed
    INTEGER = 3           # decimal digits
    REAL = 4              # decimal digits, a dot, decimal digits
    UUID = 5
    WORD = 6              # one of `words`

cpdef enum:                # what Pattern.test returns
    MISS = 0
    HIT = 1
    HIT_BUT_SLASH = 2     # all but the slash at the end, which the next part is to match

cpdef enum:                # Conversion.kind
    KEEP = 0              # the text is the value
    TO_INT = 1
    TO_FLOAT = 2
    CALL = 3              # the converter's own to_python


cdef class Pattern:
    """What a dynamic part of a rule accepts."""

    cdef readonly int shape
    cdef readonly bint final          # takes all that is left of the path
    cdef readonly bint suffixed       # final, and followed by an optional slash
    cdef str _prefix
    cdef str _suffix
    cdef bint _signed
    cdef Py_ssize_t _minimum
    cdef Py_ssize_t _maximum          # -1: none
    cdef frozenset _words
    cdef object _match                # a compiled regular expression's method
    cdef tuple _groups                # names of the groups that hold values, in their order

    # Appends what it caught to `values` unless it returns MISS.
    cdef int test(self, str target, list values) except -1
    cdef bint _accepts(self, str text) except -1
    cdef int _test_regex(self, str target, list values) except -1


cdef class Conversion:
    """How one converter makes a value of the text that its pattern caught."""

    cdef readonly int kind
    cdef object _converter
    cdef Py_ssize_t _fixed_digits     # 0: any number of them
    cdef object _minimum
    cdef object _maximum

    # Raises ValidationError, and whatever else a custom converter raises.
    cdef object apply(self, object text)

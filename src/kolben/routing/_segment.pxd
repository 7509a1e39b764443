"""The map of patterns: what a dynamic part of a rule accepts, and how its text becomes a value."""

from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND

cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept


cpdef enum:                # Pattern.shape: what stands between prefix and suffix
    REGEX = 0             # anything else: the part's own regular expression decides
    TEXT = 1              # minimum to maximum characters, none a slash
    PATH = 2              # one character that is no slash, then anything without a line feed
    INTEGER = 3           # decimal digits
    REAL = 4              # decimal digits, a dot, decimal digits
    UUID = 5
    WORD = 6              # one of `words`

cpdef enum:                # what a test returns
    MISS = 0
    HIT = 1
    HIT_BUT_SLASH = 2     # all but the slash at the end, which the next part is to match

cpdef enum:                # Conversion.kind
    KEEP = 0              # the text is the value
    TO_INT = 1
    TO_FLOAT = 2
    CALL = 3              # the converter's own to_python


cdef struct Text:          # a str laid open: PyUnicode_READ(kind, data, i) is its character.  Borrowed
    PyObject *whole       # NULL: no str yet, only its characters
    const void *data
    int kind
    Py_ssize_t length


cdef struct Caught:        # what a variable stands for: text[start:end], without a str made of it
    PyObject *value       # or this, which a regular expression has found; borrowed from the search.  NULL: there is none
    Py_ssize_t start
    Py_ssize_t end


cdef inline Text lay_open(str text) noexcept:
    return Text(<PyObject *>text, PyUnicode_DATA(text), PyUnicode_KIND(text), PyUnicode_GET_LENGTH(text))


cdef object slice_of(const Text *text, Py_ssize_t start, Py_ssize_t end)


cdef class Pattern:
    """What a dynamic part of a rule accepts."""

    cdef readonly int shape
    cdef readonly bint final          # takes all that is left of the path
    cdef readonly bint suffixed       # final, and followed by an optional slash
    cdef readonly Py_ssize_t catches  # values; 1, but for regular expressions
    cdef Text _prefix
    cdef Text _suffix
    cdef str _prefix_text             # what those two are of
    cdef str _suffix_text
    cdef bint _signed
    cdef Py_ssize_t _minimum
    cdef Py_ssize_t _maximum          # -1: none
    cdef frozenset _words
    cdef object _match                # a compiled regular expression's method
    cdef tuple _groups                # names of the groups that hold values, in their order

    # Whether a native shape, not REGEX, takes text[start:end]; if so, says what stands between prefix and suffix.
    # Unchecked: 0 <= start <= end <= text.length.
    cdef bint accepts(self, const Text *text, Py_ssize_t start, Py_ssize_t end, Caught *caught) except -1
    # What a regular expression says, with its values appended; one of MISS, HIT, HIT_BUT_SLASH.
    cdef int test_regex(self, str target, list values) except -1


cdef class Conversion:
    """How one converter makes a value of the text that its pattern caught."""

    cdef readonly int kind
    cdef object _converter
    cdef Py_ssize_t _fixed_digits     # 0: any number of them
    cdef object _minimum
    cdef object _maximum

    # Raise ValidationError, and whatever else a custom converter raises.
    cdef object value_of(self, const Text *text, const Caught *caught)
    cdef object apply(self, object text)

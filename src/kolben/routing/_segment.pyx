"""Parts of a path against dynamic parts of a rule.

A built-in converter's regular expression is known by its text, whichever converter it came from, and tested in native
code; any other is run as it is.  The text between a literal prefix and a literal suffix is determined by
both, so that one test of the middle decides as the regular expression would, without backtracking.
"""

cimport cython
from cpython.float cimport PyFloat_FromString
from cpython.unicode cimport PyUnicode_FindChar, PyUnicode_Substring, PyUnicode_Tailmatch, Py_UNICODE_ISDECIMAL

from werkzeug.routing import ValidationError

cdef enum:
    NATIVE_DIGITS = 18    # any number of so many decimal digits fits a signed 64-bit integer
    ZERO = 0x30           # the digit


# Unchecked: callers give 0 <= start and end <= len(text), and no None.
@cython.boundscheck(False)
@cython.wraparound(False)
cdef bint _is_decimal(str text, Py_ssize_t start, Py_ssize_t end) except -1:
    """Whether text[start:end] is one or more decimal digits, of any script as in a regular expression."""
    cdef Py_ssize_t i
    if start >= end:
        return False
    for i in range(start, end):
        if not ("0" <= text[i] <= "9" or Py_UNICODE_ISDECIMAL(text[i])):
            return False
    return True


# Unchecked: callers give 0 <= start and end <= len(text), and no None.
@cython.boundscheck(False)
@cython.wraparound(False)
cdef bint _is_hex(str text, Py_ssize_t start, Py_ssize_t end) except -1:
    cdef Py_ssize_t i
    cdef Py_UCS4 character
    for i in range(start, end):
        character = text[i]
        if not ("0" <= character <= "9" or "a" <= character <= "f" or "A" <= character <= "F"):
            return False
    return True


cdef bint _is_uuid(str text) except -1:
    """Whether text is 8-4-4-4-12 hexadecimal digits, of ASCII only."""
    return (
        len(text) == 36
        and text[8] == "-" and text[13] == "-" and text[18] == "-" and text[23] == "-"
        and _is_hex(text, 0, 8) and _is_hex(text, 9, 13) and _is_hex(text, 14, 18)
        and _is_hex(text, 19, 23) and _is_hex(text, 24, 36)
    )


cdef bint _is_real(str text, Py_ssize_t start) except -1:
    cdef Py_ssize_t dot = PyUnicode_FindChar(text, c".", start, len(text), 1)
    return dot >= 0 and _is_decimal(text, start, dot) and _is_decimal(text, dot + 1, len(text))


cdef class Pattern:

    def __init__(
        self, int shape, *, bint final, bint suffixed=False, str prefix not None="", str suffix not None="", bint signed=False,
        Py_ssize_t minimum=1, Py_ssize_t maximum=-1, frozenset words=None, regex=None, tuple groups=None,
    ):
        self.shape = shape
        self.final = final
        self.suffixed = suffixed
        self._prefix = prefix
        self._suffix = suffix
        self._signed = signed
        self._minimum = minimum
        self._maximum = maximum
        self._words = words
        self._match = regex.match if regex is not None else None
        self._groups = groups

    def catch(self, target not None):
        """Return the values that this pattern catches, or None: for tests."""
        values = []
        return values if self.test(target, values) != MISS else None

    cdef int test(self, str target, list values) except -1:
        cdef Py_ssize_t before, after
        if self.shape == REGEX:
            return self._test_regex(target, values)
        before = len(self._prefix)
        after = len(self._suffix)
        if before or after:
            if len(target) < before + after:
                return MISS
            if before and not PyUnicode_Tailmatch(target, self._prefix, 0, len(target), -1):
                return MISS
            if after and not PyUnicode_Tailmatch(target, self._suffix, 0, len(target), 1):
                return MISS
            target = PyUnicode_Substring(target, before, len(target) - after)
        if not self._accepts(target):
            return MISS
        values.append(target)
        return HIT

    cdef bint _accepts(self, str text) except -1:
        cdef Py_ssize_t length = len(text)
        cdef Py_ssize_t sign = 1 if self._signed and length and text[0] == "-" else 0
        if self.shape == TEXT:
            return (
                length >= self._minimum
                and (self._maximum < 0 or length <= self._maximum)
                and PyUnicode_FindChar(text, c"/", 0, length, 1) < 0
            )
        if self.shape == INTEGER:
            return _is_decimal(text, sign, length)
        if self.shape == PATH:
            return length > 0 and text[0] != "/" and PyUnicode_FindChar(text, c"\n", 1, length, 1) < 0
        if self.shape == REAL:
            return _is_real(text, sign)
        if self.shape == UUID:
            return _is_uuid(text)
        return text in self._words

    cdef int _test_regex(self, str target, list values) except -1:
        found = self._match(target)
        if found is None:
            return MISS
        if len(self._groups) == 1:
            values.append(found.group(self._groups[0]))
        elif self._groups:
            values.extend(found.group(*self._groups))
        return HIT_BUT_SLASH if self.suffixed and found.group(found.re.groups) == "/" else HIT


cdef class Conversion:

    def __init__(self, int kind, converter, *, Py_ssize_t fixed_digits=0, minimum=None, maximum=None):
        self.kind = kind
        self._converter = converter
        self._fixed_digits = fixed_digits
        self._minimum = minimum
        self._maximum = maximum

    cdef object apply(self, object text):
        if self.kind == KEEP:
            return text
        if self.kind == CALL:
            return self._converter.to_python(text)
        if self._fixed_digits and len(text) != self._fixed_digits:
            raise ValidationError
        number = _to_int(text) if self.kind == TO_INT else _to_float(text)
        if (self._minimum is not None and number < self._minimum) or (self._maximum is not None and number > self._maximum):
            raise ValidationError
        return number


cdef object _to_int(str text):
    """Return int(text); what int() refuses is no valid value.

    SECURITY: the interpreter's limit of 4,300 digits bounds the time; beyond it the rule does not match.
    """
    cdef long long number = 0
    cdef Py_ssize_t i
    cdef Py_UCS4 digit
    if len(text) <= NATIVE_DIGITS:
        for i in range(len(text)):
            digit = text[i]
            if not "0" <= digit <= "9":
                break
            number = number * 10 + (<int>digit - ZERO)
        else:
            if len(text):
                return number
    try:
        return int(text)
    except ValueError:
        raise ValidationError from None


cdef object _to_float(str text):
    try:
        return PyFloat_FromString(text)
    except ValueError:
        raise ValidationError from None

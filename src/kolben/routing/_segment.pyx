"""Parts of a path against dynamic parts of a rule.

A built-in converter's regular expression is known by its text, whichever converter it came from, and tested in native
code; any other is run as it is.  The text between a literal prefix and a literal suffix is determined by
both, so that one test of the middle decides as the regular expression would, without backtracking.
"""

from cpython.float cimport PyFloat_FromString
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_READ, PyUnicode_Substring, Py_UNICODE_ISDECIMAL

from werkzeug.routing import ValidationError

cdef enum:
    NATIVE_DIGITS = 18    # any number of so many decimal digits fits a signed 64-bit integer
    ZERO = 0x30           # the digit


cdef inline Py_UCS4 character(const Text *text, Py_ssize_t i) noexcept:
    """One character.  Unchecked: 0 <= i < text.length."""
    # PERF: nearly all text is Latin-1, and asking for that first is half of the work.
    return (<const unsigned char *>text.data)[i] if text.kind == 1 else PyUnicode_READ(text.kind, <void *>text.data, i)


cdef inline Py_ssize_t find(const Text *text, Py_UCS4 wanted, Py_ssize_t start, Py_ssize_t end) noexcept:
    """The first place in text[start:end] where a character stands, or -1.  Unchecked."""
    cdef Py_ssize_t i
    for i in range(start, end):
        if character(text, i) == wanted:
            return i
    return -1


cdef object slice_of(const Text *text, Py_ssize_t start, Py_ssize_t end):
    """Make a str of text[start:end].  Unchecked."""
    if text.whole != NULL:
        return PyUnicode_Substring(<object>text.whole, start, end)
    return PyUnicode_DecodeASCII(<const char *>text.data + start, end - start, NULL)


cdef bint is_same(const Text *text, Py_ssize_t start, const Text *other) noexcept:
    """Whether `other` stands at `start`.  Unchecked: it fits."""
    cdef Py_ssize_t i
    for i in range(other.length):
        if character(text, start + i) != character(other, i):
            return False
    return True


cdef bint _is_decimal(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    """Whether text[start:end] is one or more decimal digits, of any script as in a regular expression.  Unchecked."""
    cdef Py_ssize_t i
    cdef Py_UCS4 digit
    for i in range(start, end):
        digit = character(text, i)
        if not ("0" <= digit <= "9" or (digit > 127 and Py_UNICODE_ISDECIMAL(digit))):
            return False
    return start < end


cdef bint _is_hex(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    cdef Py_ssize_t i
    cdef Py_UCS4 digit
    for i in range(start, end):
        digit = character(text, i)
        if not ("0" <= digit <= "9" or "a" <= digit <= "f" or "A" <= digit <= "F"):
            return False
    return True


cdef bint _is_uuid(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    """Whether text[start:end] is 8-4-4-4-12 hexadecimal digits, of ASCII only.  Unchecked."""
    return (
        end - start == 36
        and character(text, start + 8) == "-" and character(text, start + 13) == "-"
        and character(text, start + 18) == "-" and character(text, start + 23) == "-"
        and _is_hex(text, start, start + 8) and _is_hex(text, start + 9, start + 13) and _is_hex(text, start + 14, start + 18)
        and _is_hex(text, start + 19, start + 23) and _is_hex(text, start + 24, end)
    )


cdef bint _is_real(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    cdef Py_ssize_t dot = find(text, c".", start, end)
    return dot >= 0 and _is_decimal(text, start, dot) and _is_decimal(text, dot + 1, end)


cdef class Pattern:

    def __init__(
        self, int shape, *, bint final, bint suffixed=False, str prefix not None="", str suffix not None="", bint signed=False,
        Py_ssize_t minimum=1, Py_ssize_t maximum=-1, frozenset words=None, regex=None, tuple groups=None,
    ):
        self.shape = shape
        self.final = final
        self.suffixed = suffixed
        self.catches = len(groups) if groups is not None else 1
        self._prefix_text, self._suffix_text = prefix, suffix
        self._prefix, self._suffix = lay_open(prefix), lay_open(suffix)
        self._signed = signed
        self._minimum = minimum
        self._maximum = maximum
        self._words = words
        self._match = regex.match if regex is not None else None
        self._groups = groups

    def catch(self, str target not None):
        """Return the values that this pattern catches, or None: for tests."""
        cdef list values = []
        cdef Text text = lay_open(target)
        cdef Caught caught
        if self.shape == REGEX:
            return values if self.test_regex(target, values) != MISS else None
        return [PyUnicode_Substring(target, caught.start, caught.end)] if self.accepts(&text, 0, text.length, &caught) else None

    cdef bint accepts(self, const Text *text, Py_ssize_t start, Py_ssize_t end, Caught *caught) except -1:
        if self._prefix.length or self._suffix.length:
            if end - start < self._prefix.length + self._suffix.length:
                return False
            if not is_same(text, start, &self._prefix) or not is_same(text, end - self._suffix.length, &self._suffix):
                return False
            start += self._prefix.length
            end -= self._suffix.length
        caught.value = NULL
        caught.start = start
        caught.end = end
        if self.shape == TEXT:
            return (
                end - start >= self._minimum
                and (self._maximum < 0 or end - start <= self._maximum)
                and find(text, c"/", start, end) < 0
            )
        if self.shape == PATH:
            return end > start and character(text, start) != c"/" and find(text, c"\n", start + 1, end) < 0
        if self.shape == UUID:
            return _is_uuid(text, start, end)
        if self.shape == WORD:
            return slice_of(text, start, end) in self._words
        if self._signed and end > start and character(text, start) == c"-":
            start += 1
        return _is_decimal(text, start, end) if self.shape == INTEGER else _is_real(text, start, end)

    cdef int test_regex(self, str target, list values) except -1:
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

    cdef object value_of(self, const Text *text, const Caught *caught):
        cdef long long number
        if caught.value == NULL and self.kind == TO_INT and not self._fixed_digits and (
                self._minimum is None and self._maximum is None and _read_digits(text, caught, &number)):
            return number                     # PERF: without a str between
        found = slice_of(text, caught.start, caught.end) if caught.value == NULL else <object>caught.value
        return found if self.kind == KEEP else self.apply(found)

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


cdef bint _read_digits(const Text *text, const Caught *caught, long long *number) noexcept:
    """Read a number of digits alone that surely fits; False: it is no such."""
    cdef Py_ssize_t i
    cdef Py_UCS4 digit
    if caught.start == caught.end or caught.end - caught.start > NATIVE_DIGITS:
        return False
    number[0] = 0
    for i in range(caught.start, caught.end):
        digit = character(text, i)
        if not "0" <= digit <= "9":
            return False
        number[0] = number[0] * 10 + (<int>digit - ZERO)
    return True


cdef object _to_int(str text):
    """Return int(text); what int() refuses is no valid value.

    SECURITY: the interpreter's limit of 4,300 digits bounds the time; beyond it the rule does not match.
    """
    cdef long long number
    cdef Text opened = lay_open(text)
    cdef Caught whole = Caught(NULL, 0, opened.length)
    if _read_digits(&opened, &whole, &number):
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

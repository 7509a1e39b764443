"""Query strings, read as urllib's parse_qsl reads them with blank values kept.

What is no UTF-8 when it is decoded is left to parse_qsl, which Werkzeug gives an error handler of its own.

PERF: an application's queries have the same few names again and again, so short ones are remembered as text, with their hashes:
340 instructions for each.  There are PLACES of them at most; a client can only drive others out.
"""

from cpython.dict cimport PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeASCII
from libc.string cimport memchr, memcmp

from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequestKeyError

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL      # borrowed
    Py_ssize_t PyDict_GET_SIZE(object mapping)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_IS_ASCII(object text)
    PyObject *PyList_GET_ITEM(object list, Py_ssize_t i)      # borrowed

cdef enum:
    PLACES = 64               # a power of 2: names that are remembered
    SHORT = 24                # bytes of the longest of them
    SAFE_DIGITS = 18          # any number of so many decimal digits fits a signed 64-bit integer

cdef list names = [""] * PLACES


cdef object name_text(const char *p, Py_ssize_t n):
    """Text of a name p[0:n], as query_text() makes it."""
    cdef unsigned int place = <unsigned int>n
    cdef Py_ssize_t i
    if not 0 < n <= SHORT:
        return query_text(p, n)
    for i in range(n):
        place = place * 31 + <unsigned char>p[i]
    place = (place ^ (place >> 8)) & (PLACES - 1)
    known = <object>PyList_GET_ITEM(names, place)
    if PyUnicode_GET_LENGTH(known) == n and memcmp(PyUnicode_DATA(known), p, n) == 0:
        return known
    text = query_text(p, n)
    if text is not None and PyUnicode_GET_LENGTH(text) == n and memcmp(PyUnicode_DATA(text), p, n) == 0 and PyUnicode_IS_ASCII(text):
        names[place] = text
    return text


cdef object first(object values, object key):
    """The first value of a key; None if there is none (a query string has no None)."""
    cdef PyObject *found
    if PyDict_GET_SIZE(values) == 0 and type(key) is str:
        return None
    found = PyDict_GetItemWithError(values, key)
    return (<list>found)[0] if found != NULL and <list>found else None


cdef object int_or_none(object value):
    """What int(value) is, where that is plain; None: ask it."""
    cdef const unsigned char *p
    cdef long long number = 0
    cdef Py_ssize_t i, n
    if type(value) is not str or not PyUnicode_IS_ASCII(value):
        return None
    p, n = <const unsigned char *>PyUnicode_DATA(value), PyUnicode_GET_LENGTH(value)
    if not 0 < n <= SAFE_DIGITS:
        return None
    for i in range(n):
        if not c"0" <= p[i] <= c"9":
            return None
        number = number * 10 + (p[i] - c"0")
    return number


class Args(ImmutableMultiDict):
    """What `request.args` is: Werkzeug's type, whose look-ups are native.

    Werkzeug's `get` of a missing key raises and catches an HTTP error, which costs more than the rest of a small request.
    """

    def __getitem__(self, key):
        """Return the first value of a key.

        Raises:
            BadRequestKeyError: a KeyError that answers 400.
        """
        value = first(self, key)
        if value is None:
            raise BadRequestKeyError(key)
        return value

    def get(self, key, default=None, type=None):
        """Return the first value of a key, or `default`; also when `type` raises ValueError or TypeError for it."""
        value = first(self, key)
        if value is None:
            return default
        if type is None:
            return value
        if type is int:
            number = int_or_none(value)
            if number is not None:
                return number
        try:
            return type(value)
        except (ValueError, TypeError):
            pass
        return default

    def __repr__(self):
        """Look like what it stands for."""
        return f"ImmutableMultiDict({list(self.items(multi=True))!r})"


cdef int parse_query(dict into, const char *p, Py_ssize_t n) except -2:
    cdef const char *end = p + n
    cdef const char *stop
    cdef const char *equals
    cdef PyObject *known
    while p < end:
        stop = <const char *>memchr(p, c"&", end - p)
        if stop == NULL:
            stop = end
        if stop > p:
            equals = <const char *>memchr(p, c"=", stop - p)
            if equals == NULL:
                equals = stop
            name = name_text(p, equals - p)
            value = query_text(equals + 1, stop - equals - 1) if equals < stop else ""
            if name is None or value is None:
                return -1
            known = PyDict_GetItemWithError(into, name) if PyDict_GET_SIZE(into) else NULL
            if known == NULL:
                PyDict_SetItem(into, name, [value])
            else:
                (<list>known).append(value)
        p = stop + 1
    return 0


cdef object query_text(const char *p, Py_ssize_t n):
    """Decode p[0:n]; None if an escape is no UTF-8."""
    if n <= 0:
        return ""
    if memchr(p, c"%", n) == NULL:
        text = PyUnicode_DecodeASCII(p, n, NULL)
        return text if memchr(p, c"+", n) == NULL else text.replace("+", " ")
    try:
        return unquote_to_bytes(p[:n].replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        pass
    return None

"""Query strings, read as urllib's parse_qsl reads them with blank values kept.

What is no UTF-8 when it is decoded is left to parse_qsl, which Werkzeug gives an error handler of its own.
"""

from cpython.dict cimport PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.string cimport memchr

from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequestKeyError

cdef extern from "Python.h":
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL      # borrowed


cdef object first(object values, object key):
    """The first value of a key; None if there is none (a query string has no None)."""
    cdef PyObject *found = PyDict_GetItemWithError(values, key)
    return (<list>found)[0] if found != NULL and <list>found else None


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
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def __repr__(self):
        """Look like what it stands for."""
        return f"ImmutableMultiDict({list(self.items(multi=True))!r})"


cdef int parse_query(dict into, const char *p, Py_ssize_t n) except -2:
    cdef const char *end = p + n
    cdef const char *stop
    cdef const char *equals
    cdef list values
    while p < end:
        stop = <const char *>memchr(p, c"&", end - p)
        if stop == NULL:
            stop = end
        if stop > p:
            equals = <const char *>memchr(p, c"=", stop - p)
            if equals == NULL:
                equals = stop
            name = query_text(p, equals - p)
            value = query_text(equals + 1, stop - equals - 1) if equals < stop else ""
            if name is None or value is None:
                return -1
            values = <list>into.get(name)
            if values is None:
                PyDict_SetItem(into, name, [value])
            else:
                values.append(value)
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
        return None

"""The tree of rules at rest: its nodes, the rules that end there, and the table that leads from a node to the next.

Refuses to know in which order a search goes through it, and the path that is searched: it compares a part, and converts what was
caught.  Never changed once the compiler has made it, so any number of searches may stand in it.
"""

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport PyUnicode_READ

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcmp

from kolben.routing._match cimport Match, REDIRECT_ALIAS, make_found, redirect_further
from kolben.routing._segment cimport Caught, Conversion, Pattern, Text, lay_open

from werkzeug.routing import ValidationError

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object items, Py_ssize_t i)        # borrowed


cdef list nothings(Py_ssize_t count):
    """A list of so many times None."""
    cdef list values = PyList_New(count)
    cdef Py_ssize_t i
    for i in range(count):
        Py_INCREF(None)
        PyList_SET_ITEM(values, i, None)
    return values


cdef class Entry:

    def __init__(self, rule not None, tuple names not None, tuple conversions not None, tuple default_rules not None):
        self.rule = rule
        self._endpoint = rule.endpoint
        self._methods = rule.methods
        self._websocket = rule.websocket
        self._strict_slashes = rule.strict_slashes
        self._merge_slashes = rule.merge_slashes is not False
        self._names = names
        self._conversions = conversions
        self._defaults = rule.defaults or None
        self._is_alias = rule.alias
        self._redirects = rule.redirect_to is not None
        self._default_rules = default_rules

    cdef Match make_match(self, const Text *text, const Caught *caught, Py_ssize_t count, str method, bint redirect_defaults):
        """Convert the values; None if one is not valid.  The rule does not match then, and no other is tried."""
        cdef Match match = make_found(self.rule, self._endpoint, None)
        cdef list values = nothings(count)
        cdef Py_ssize_t i
        try:
            for i in range(min(count, len(self._conversions))):
                values[i] = (<Conversion>PyTuple_GET_ITEM(self._conversions, i)).value_of(text, &caught[i])
        except ValidationError:
            values = None
        if values is None:
            return None
        match.names, match.values = self._names, values
        if len(self._names) != len(values):
            match._view_args = dict(zip(self._names, values, strict=False))
        if self._defaults is not None:
            match.view_args.update(self._defaults)
        if self._is_alias and redirect_defaults:
            match.outcome = REDIRECT_ALIAS
        elif self._default_rules or self._redirects:
            redirect_further(match, self._default_rules if redirect_defaults else (), method)
        return match


cdef class Node:

    def __init__(self, dict static not None, list dynamic not None, list entries not None):
        self._static = static
        self._patterns = tuple([pattern for pattern, _ in dynamic])
        self._pattern_nodes = tuple([node for _, node in dynamic])
        self._entries = tuple(entries)
        self._slash = static.get("")
        self._parts = tuple(static)
        self._children = tuple(static.values())
        self._fill_places()

    def __dealloc__(self):
        PyMem_Free(self._places)

    cdef int _fill_places(self) except -1:
        cdef Py_ssize_t i, place, size = 4
        cdef Text part
        while size < 2 * len(self._parts):
            size *= 2
        self._places = <int32_t *>PyMem_Malloc(size * sizeof(int32_t))
        if self._places == NULL:
            raise MemoryError
        self._mask = size - 1
        for i in range(size):
            self._places[i] = -1
        for i in range(len(self._parts)):
            part = lay_open(<str?>self._parts[i])
            place = hash_of(&part, 0, part.length) & self._mask
            while self._places[place] >= 0:
                place = (place + 1) & self._mask
            self._places[place] = i
        return 0

    cdef PyObject *child(self, const Text *text, Py_ssize_t start, Py_ssize_t end, uint32_t mixed) noexcept:
        """Where the static part text[start:end], of this hash, leads; NULL: there is none.  Unchecked, as the function below."""
        cdef Py_ssize_t place = mixed & self._mask
        cdef int32_t i = self._places[place]
        while i >= 0:
            if _is_part(text, start, end, PyTuple_GET_ITEM(self._parts, i)):
                return PyTuple_GET_ITEM(self._children, i)
            place = (place + 1) & self._mask
            i = self._places[place]
        return NULL

    cdef Py_ssize_t most(self) except -1:
        """How many values the way below it that catches most of them catches."""
        cdef Py_ssize_t i, here, found = 0
        for child in self._children:
            found = max(found, (<Node>child).most())
        for i in range(len(self._patterns)):
            here = (<Pattern>self._patterns[i]).catches + (<Node>self._pattern_nodes[i]).most()
            found = max(found, here)
        return found

    def collect_static_paths(self):
        """Fill in the tables of whole static paths, one for each static domain: call it for the root."""
        cdef Node host
        for host in self._static.values():
            host._paths = dict(_static_paths(host, None))


def _static_paths(Node node not None, str path):
    if node._entries and path is not None:
        yield path, node
    for part, child in node._static.items():
        yield from _static_paths(child, part if path is None else f"{path}/{part}")


cdef uint32_t hash_of(const Text *text, Py_ssize_t start, Py_ssize_t end) noexcept:
    """A hash of text[start:end] (FNV-1a).  Only rules fill the table: no client can make it collide."""
    cdef uint32_t mixed = 2166136261U
    cdef Py_ssize_t i
    for i in range(start, end):
        mixed = (mixed ^ <uint32_t>PyUnicode_READ(text.kind, <void *>text.data, i)) * 16777619U
    return mixed ^ (mixed >> 15)


cdef inline bint _is_part(const Text *text, Py_ssize_t start, Py_ssize_t end, PyObject *part) noexcept:
    """Whether text[start:end] is this part, a str.  Unchecked, as above."""
    cdef Text other = lay_open(<str>part)
    cdef Py_ssize_t i
    if end - start != other.length:
        return False
    if text.kind == 1 and other.kind == 1:
        return memcmp(<const char *>text.data + start, other.data, other.length) == 0
    for i in range(other.length):
        if PyUnicode_READ(text.kind, <void *>text.data, start + i) != PyUnicode_READ(other.kind, <void *>other.data, i):
            return False
    return True

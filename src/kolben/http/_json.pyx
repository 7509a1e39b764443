"""Values to JSON, in exactly the bytes that the interpreter's `json.dumps` writes for them.

Ancestry: `json.encoder` and its C accelerator, whose decisions are repeated here one by one (what counts as a str, the
order of the checks, which overridden methods are called), because Flask's answers are made of them.  What differs is how it is
written: into one buffer of bytes instead of a list of strings.

Invariants, kept in step by hand:

* Objects are held while they are written, since `default` may change every container.  Lists are read live, dicts from a copy.
* A failed call leaves nothing behind: an error ends the whole document, so ancestors need not be taken off.
* Indented text comes from `json.dumps` itself.  The interpreter writes it by Python code whose decisions differ from those of its C code
  (it calls `__iter__` and `__bool__` of subclasses and believes `__class__`), and it is read by people, in development.
"""

import json
from json.encoder import encode_basestring_ascii

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Check, PyDict_Size
from cpython.exc cimport PyErr_Format
from cpython.float cimport PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport PyList_Check, PyList_Sort
from cpython.long cimport PyLong_Check, PyLong_CheckExact
from cpython.mapping cimport PyMapping_Items
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport Py_TYPE, PyObject, PyObject_IsInstance
from cpython.ref cimport Py_DECREF, Py_XDECREF
from cpython.tuple cimport PyTuple_Check, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from kolben.http._json_kernels cimport has_surrogate, write_characters
from kolben.http._json_pairs cimport FEW, Pair, few_pairs
from kolben.http._json_scratch cimport Scratch, enter, leave, reserve, write, write_byte, write_bytes, write_float, write_int

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char *where)         # not 0: an exception is set, and there is nothing to leave
    void Py_LeaveRecursiveCall()
    object PySequence_Fast(object values, const char *refusal)
    Py_ssize_t PySequence_Fast_GET_SIZE(object values)
    PyObject *PySequence_Fast_GET_ITEM(object values, Py_ssize_t index)
    object PyUnicode_New(Py_ssize_t length, Py_UCS4 highest)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030C0000
    #define kolben_ready(text) PyUnicode_READY(text)
    #else
    #define kolben_ready(text) ((void)(text), 0)
    #endif
    """
    int kolben_ready(object text) except -1     # 3.11 still knows strings without their final form

cdef enum:
    START = 1024                    # bytes of a new buffer
    KEPT = 65536                    # bytes that an encoder keeps between calls at most
    PIECE = 4096                    # characters for which room is made at once

cdef const char *NESTING = b" while encoding a JSON object"

SPARE_LIMIT = KEPT


cdef inline int write_separator(Scratch *scratch, bytes separator) except -1:
    if PyBytes_GET_SIZE(separator) == 1:
        return write_byte(scratch, <uint8_t>PyBytes_AS_STRING(separator)[0])
    return write_bytes(scratch, separator)


@cython.final
cdef class Encoder:
    """Writes what `json.dumps` writes, as text or as the bytes of an answer.

    Args:
        ensure_ascii: Escape every other character.
        sort_keys: Sort each dict's items before keys are made text; keys of types that do not compare raise TypeError.
        indent: As for `json.dumps`, which then does the work.
        separators: Between items and after a key.  Default as in `json.dumps`: with blanks; Flask's answers have ``(",", ":")``.
        default: Called with what JSON has no form for; returns something that has, or raises TypeError.

    Raises (each method):
        TypeError: A value or a key has no form, or keys do not compare.
        ValueError: A container holds itself, or an int has too many digits.
        RecursionError: Containers are nested deeper than the interpreter allows.
        UnicodeEncodeError: A lone surrogate cannot become bytes (only without `ensure_ascii`).
    """

    def __cinit__(self, *, bint ensure_ascii=True, bint sort_keys=True, object indent=None, tuple separators=None, object default=None):
        if separators is None:
            separators = (", " if indent is None else ",", ": ")
        comma, colon = separators
        self.ensure_ascii = ensure_ascii
        self.sort_keys = sort_keys
        self.indent = indent
        self.separators = separators
        self.default = default
        self._comma = (<str?>comma).encode()
        self._colon = (<str?>colon).encode()
        self._is_compact = len(self._comma) == len(self._colon) == 1
        self._is_ascii = ensure_ascii and comma.isascii() and colon.isascii()

    def __dealloc__(self):
        PyMem_Free(self._spare)

    @property
    def spare_capacity(self):
        """Bytes kept for the next call; 0 while a call uses them."""
        return self._spare_capacity if self._spare != NULL else 0

    cpdef bytes encode_response(self, object value):
        """Return the body of Flask's answer: UTF-8, with a newline at the end."""
        cdef Scratch scratch
        if self.indent is not None:
            return (self.pretty(value) + "\n").encode()
        self.open(&scratch)
        try:
            self.write_value(&scratch, value)
            write(&scratch, b"\n", 1)
            return self.to_bytes(&scratch)
        finally:
            self.close(&scratch)

    cpdef bytes dump_bytes(self, object value):
        """Return UTF-8."""
        cdef Scratch scratch
        if self.indent is not None:
            return self.pretty(value).encode()
        self.open(&scratch)
        try:
            self.write_value(&scratch, value)
            return self.to_bytes(&scratch)
        finally:
            self.close(&scratch)

    cpdef str dumps(self, object value):
        """Return text."""
        cdef Scratch scratch
        if self.indent is not None:
            return self.pretty(value)
        self.open(&scratch)
        try:
            self.write_value(&scratch, value)
            return self.to_str(&scratch)
        finally:
            self.close(&scratch)

    # --- The life of a call's memory ---

    cdef int open(self, Scratch *scratch) except -1:
        scratch.length = scratch.depth = 0
        scratch.far = NULL
        scratch.has_surrogate = False
        if self._spare != NULL:
            scratch.data = self._spare
            scratch.capacity = self._spare_capacity
            self._spare = NULL
            return 0
        scratch.data = <uint8_t *>PyMem_Malloc(START)
        if scratch.data == NULL:
            raise MemoryError
        scratch.capacity = START
        return 0

    cdef void close(self, Scratch *scratch) noexcept:
        Py_XDECREF(scratch.far)
        if self._spare == NULL and scratch.capacity <= KEPT:
            self._spare = scratch.data
            self._spare_capacity = scratch.capacity
        else:
            PyMem_Free(scratch.data)

    cdef bytes to_bytes(self, Scratch *scratch):
        if scratch.has_surrogate:
            return self.to_str(scratch).encode()        # raises, with the place in the text
        return PyBytes_FromStringAndSize(<char *>scratch.data, scratch.length)

    cdef str to_str(self, Scratch *scratch):
        cdef str text
        if not self._is_ascii:
            return PyUnicode_DecodeUTF8(<char *>scratch.data, scratch.length, "surrogatepass")
        text = PyUnicode_New(scratch.length, 127)
        memcpy(PyUnicode_DATA(text), scratch.data, scratch.length)
        return text

    cdef str pretty(self, object value):
        return json.dumps(
            value,
            ensure_ascii=self.ensure_ascii,
            sort_keys=self.sort_keys,
            indent=self.indent,
            separators=self.separators,
            default=self.default,
        )

    # --- One value ---

    cdef int write_value(self, Scratch *scratch, object value) except -1:
        # Exact types first, since almost all are; then the order of the interpreter's encoder.
        if PyUnicode_CheckExact(value):
            return self.write_text(scratch, value)
        if PyLong_CheckExact(value):
            return write_int(scratch, value)
        if value is None:
            return write(scratch, b"null", 4)
        if value is True:
            return write(scratch, b"true", 4)
        if value is False:
            return write(scratch, b"false", 5)
        if PyFloat_CheckExact(value):
            return write_float(scratch, value)
        if PyUnicode_Check(value):
            return self.write_text(scratch, value)
        if PyLong_Check(value):
            return write_int(scratch, value)
        if PyFloat_Check(value):
            return write_float(scratch, value)
        return self.write_nested(scratch, value)

    cdef int write_nested(self, Scratch *scratch, object value) except -1:
        cdef object plain
        if not (PyDict_Check(value) or PyList_Check(value) or PyTuple_Check(value)):
            plain = self.open_by_default(scratch, value)
            if Py_EnterRecursiveCall(NESTING):
                return -1
            try:
                self.write_value(scratch, plain)
            finally:
                Py_LeaveRecursiveCall()
            return leave(scratch, value)
        if Py_EnterRecursiveCall(NESTING):
            return -1
        try:
            return self.write_dict(scratch, value) if PyDict_Check(value) else self.write_sequence(scratch, value)
        finally:
            Py_LeaveRecursiveCall()

    cdef object open_by_default(self, Scratch *scratch, object value):
        """Note that `value` is open; return what `default` makes of it."""
        if scratch.depth == 0 and PyObject_IsInstance(value, str):
            encode_basestring_ascii(value)      # a proxy that says it is a str: the interpreter refuses it, by this error
        enter(scratch, value)
        if self.default is None:
            raise TypeError(f"Object of type {value.__class__.__name__} is not JSON serializable")
        return self.default(value)

    cdef int write_text(self, Scratch *scratch, object text) except -1:
        # Piece by piece: room for the longest escapes of all of a long text would be up to twelve times its size.
        cdef Py_ssize_t n, stop, start = 0
        cdef int kind, widest
        kolben_ready(text)
        n = PyUnicode_GET_LENGTH(text)
        kind = PyUnicode_KIND(text)
        if kind == 1 and n <= PIECE:
            reserve(scratch, n * 6 + 2)
            return self.write_short(scratch, <const uint8_t *>PyUnicode_DATA(text), n)
        widest = 12 if kind == 4 else 6
        stop = min(n, <Py_ssize_t>PIECE)
        reserve(scratch, stop * widest + 2)
        scratch.data[scratch.length] = c'"'
        scratch.length += 1
        while True:
            self.write_piece(scratch, kind, PyUnicode_DATA(text), start, stop)
            if stop == n:
                break
            start = stop
            stop = min(n, start + PIECE)
            reserve(scratch, (stop - start) * widest + 1)
        scratch.data[scratch.length] = c'"'
        scratch.length += 1
        return 0

    cdef int write_short(self, Scratch *scratch, const unsigned char *p, Py_ssize_t n) noexcept:
        """Write a short text of narrow characters, as nearly every text is.  There is room."""
        cdef uint8_t *out = scratch.data + scratch.length
        out[0] = c'"'
        n = 1 + write_characters(out + 1, p, n, self.ensure_ascii)
        out[n] = c'"'
        scratch.length += n + 1
        return 0

    cdef void write_piece(self, Scratch *scratch, int kind, const void *data, Py_ssize_t start, Py_ssize_t stop) noexcept:
        cdef uint8_t *out = scratch.data + scratch.length
        cdef Py_ssize_t n = stop - start
        if kind == 1:
            scratch.length += write_characters(out, <const uint8_t *>data + start, n, self.ensure_ascii)
        elif kind == 2:
            scratch.length += write_characters(out, <const uint16_t *>data + start, n, self.ensure_ascii)
            scratch.has_surrogate |= not self.ensure_ascii and has_surrogate(<const uint16_t *>data + start, n)
        else:
            scratch.length += write_characters(out, <const uint32_t *>data + start, n, self.ensure_ascii)
            scratch.has_surrogate |= not self.ensure_ascii and has_surrogate(<const uint32_t *>data + start, n)

    # --- Containers ---

    cdef int write_sequence(self, Scratch *scratch, object values) except -1:
        """Write a list, as long as it is at each step, or a tuple; of a subclass, what its __iter__ yields."""
        cdef object owner = values
        cdef Py_ssize_t i = 0
        cdef object value
        values = PySequence_Fast(values, b"_iterencode_list needs a sequence")
        if PySequence_Fast_GET_SIZE(values) == 0:
            return write(scratch, b"[]", 2)
        enter(scratch, owner)
        write_byte(scratch, c"[")
        while i < PySequence_Fast_GET_SIZE(values):
            if i:
                write_separator(scratch, self._comma)
            value = <object>PySequence_Fast_GET_ITEM(values, i)
            self.write_value(scratch, value)
            i += 1
        write_byte(scratch, c"]")
        return leave(scratch, owner)

    cdef int write_dict(self, Scratch *scratch, object mapping) except -1:
        cdef Pair pairs[FEW]
        cdef Py_ssize_t i, n
        if PyDict_Size(mapping) == 0:
            return write(scratch, b"{}", 2)
        enter(scratch, mapping)
        write_byte(scratch, c"{")
        n = few_pairs(pairs, mapping, self.sort_keys)
        if n == 0:
            self.write_items(scratch, mapping)
        else:
            try:
                self.write_pairs(scratch, pairs, n)
            finally:
                for i in range(n):
                    Py_DECREF(<object>pairs[i].key)
                    Py_DECREF(<object>pairs[i].value)
        write_byte(scratch, c"}")
        return leave(scratch, mapping)

    cdef int write_pairs(self, Scratch *scratch, const Pair *pairs, Py_ssize_t n) except -1:
        cdef Py_ssize_t i
        for i in range(n):
            if self._is_compact and PyUnicode_KIND(<object>pairs[i].key) == 1 and PyUnicode_GET_LENGTH(<object>pairs[i].key) <= PIECE:
                self.write_short_key(scratch, <object>pairs[i].key, i > 0)
                self.write_value(scratch, <object>pairs[i].value)
                continue
            if i:
                write_separator(scratch, self._comma)
            self.write_text(scratch, <object>pairs[i].key)
            write_separator(scratch, self._colon)
            self.write_value(scratch, <object>pairs[i].value)
        return 0

    cdef int write_short_key(self, Scratch *scratch, object key, bint follows) except -1:
        """Write a short key of narrow characters with separators of one byte each."""
        cdef Py_ssize_t n = PyUnicode_GET_LENGTH(key)
        reserve(scratch, n * 6 + 4)
        if follows:
            scratch.data[scratch.length] = <uint8_t>PyBytes_AS_STRING(self._comma)[0]
            scratch.length += 1
        self.write_short(scratch, <const uint8_t *>PyUnicode_DATA(key), n)
        scratch.data[scratch.length] = <uint8_t>PyBytes_AS_STRING(self._colon)[0]
        scratch.length += 1
        return 0

    cdef int write_items(self, Scratch *scratch, object mapping) except -1:
        """Write a dict of any size, with any keys.  Calls a subclass's items()."""
        cdef list items = PyMapping_Items(mapping)
        cdef bint first = True
        cdef object item
        if self.sort_keys:
            PyList_Sort(items)      # whole items, as the interpreter does: keys that are equal compare their values
        for item in items:
            if not (PyTuple_Check(item) and PyTuple_GET_SIZE(item) == 2):
                raise ValueError("items must return 2-tuples")
            if not first:
                write_separator(scratch, self._comma)
            first = False
            self.write_key(scratch, (<tuple>item)[0])
            write_separator(scratch, self._colon)
            self.write_value(scratch, (<tuple>item)[1])
        return 0

    cdef int write_key(self, Scratch *scratch, object key) except -1:
        if PyUnicode_Check(key):
            return self.write_text(scratch, key)
        if not (key is None or PyLong_Check(key) or PyFloat_Check(key)):
            PyErr_Format(TypeError, b"keys must be str, int, float, bool or None, not %.100s", Py_TYPE(key).tp_name)
        write_byte(scratch, c'"')
        self.write_value(scratch, key)
        return write_byte(scratch, c'"')

"""The fields of a head as a mapping: nothing is made of them until it is asked for.

Names are never folded: "X_Real_Ip" is not "X-Real-Ip".  As from Werkzeug's own server, a field with an underscore in its
name is not there at all, and an underscore in a name that is asked for means "-".

Invariant: what this says is what Werkzeug's EnvironHeaders says over the environ that _environ.pyx makes of the same head.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1
from libc.string cimport memcmp, memcpy

from kolben.base._spent cimport give_new_dict, is_spent, let_go_of_dict, references
from kolben.wire._layout cimport NO_FIELD, FieldSpan, RequestHead

cdef extern from "Python.h":
    int PyUnicode_KIND(object text) noexcept
    int PyUnicode_1BYTE_KIND
    void *PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept

cdef enum:
    LONGEST_KEY = 64      # longer names are looked up by way of a bytes object

cdef const unsigned char *JSON_TYPE = b"application/json"
cdef Py_ssize_t JSON_LENGTH = 16

cdef unsigned char LOWER[256]     # ASCII letters in lower case, every other byte itself
cdef unsigned char KEY[256]       # the same with "-" for "_"
cdef int _i
for _i in range(256):
    LOWER[_i] = KEY[_i] = _i + 32 if 65 <= _i <= 90 else _i
KEY[95] = 45


cdef bint equals_lower(const unsigned char *p, const unsigned char *lower, Py_ssize_t n) noexcept:
    """Whether p[0:n] in lower case is lower[0:n]."""
    cdef Py_ssize_t i
    for i in range(n):
        if LOWER[p[i]] != lower[i]:
            return False
    return True


cdef int copy_spans(RequestHead *to, FieldSpan *room, const RequestHead *span) except -1:
    cdef FieldSpan *fields = room
    cdef size_t size = span.field_count * sizeof(FieldSpan)
    if span.field_count > INLINE_FIELDS:
        fields = <FieldSpan *>PyMem_Malloc(size)
        if fields == NULL:
            raise MemoryError
    memcpy(fields, span.fields, size)
    to[0] = span[0]
    to.fields = fields
    return 0


cdef void release_spans(RequestHead *span, const FieldSpan *room) noexcept:
    if span.fields != NULL and span.fields != room:
        PyMem_Free(span.fields)
    span.fields = NULL


cdef inline object value_text(const unsigned char *p, const FieldSpan *field):
    return PyUnicode_DecodeLatin1(<const char *>p + field.value, field.value_length, NULL)


cdef inline object authority_text(const unsigned char *p, const RequestHead *span):
    return PyUnicode_DecodeASCII(<const char *>p + span.authority, span.authority_length, NULL)


cdef object find_field(bytes head, const RequestHead *span, const unsigned char *name, Py_ssize_t length):
    cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(head)
    cdef const FieldSpan *field
    cdef int i
    found = None
    if span.authority_length and length == 4 and memcmp(name, b"host", 4) == 0:
        return authority_text(p, span)                    # RFC 9112, section 3.2.2
    for i in range(span.field_count):
        field = &span.fields[i]
        if field.name_length == length and equals_lower(p + field.name, name, length):
            value = value_text(p, field)
            found = value if found is None else joined(name, length, found, value)
    return found


cdef object joined(const unsigned char *name, Py_ssize_t length, str first, str value):
    """Two lines of one name as one value.  There can be only one Content-Type: the last one, as WSGI servers have it."""
    if length == 6 and memcmp(name, b"cookie", 6) == 0:   # RFC 9113, section 8.2.3, says it for HTTP/2: commas are no separators
        return f"{first}; {value}"
    if length == 12 and memcmp(name, b"content-type", 12) == 0:
        return value
    return f"{first},{value}"


cdef bint says_json(bytes head, const RequestHead *span) noexcept:
    cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(head)
    cdef const FieldSpan *field
    cdef Py_ssize_t n = JSON_LENGTH
    cdef int i
    if span.content_type == NO_FIELD:
        return False
    for i in range(span.field_count - 1, -1, -1):
        field = &span.fields[i]
        if field.name_length == 12 and equals_lower(p + field.name, b"content-type", 12):
            p += field.value
            if field.value_length < n or not equals_lower(p, JSON_TYPE, n):
                return False
            while n < field.value_length and (p[n] == c" " or p[n] == c"\t"):
                n += 1
            return n == field.value_length or p[n] == c";"
    return False


cdef class FieldsBase:

    def __dealloc__(self):
        let_go_of_dict(<PyObject *>self)

    cdef int fill(self, bytes head, const RequestHead *span) except -1:
        cdef size_t size = span.field_count * sizeof(FieldSpan)
        cdef FieldSpan *fields = self._room
        if span.field_count > INLINE_FIELDS:
            self._more = PyBytes_FromStringAndSize(<const char *>span.fields, size)
            fields = <FieldSpan *>PyBytes_AS_STRING(self._more)
        else:
            memcpy(fields, span.fields, size)
        self.span = span[0]
        self.span.fields = fields
        self.head = head
        return 0

    cdef bint renew(self) except -1:
        if not is_spent(<PyObject *>self, <PyObject *>FieldsBase):
            return False
        give_new_dict(<PyObject *>self)
        self.head = self._more = None
        return references(<PyObject *>self) == 1          # nor did what it let go of, by its end, take it

    cdef object find(self, object key):
        cdef unsigned char lower[LONGEST_KEY]
        cdef const unsigned char *p
        cdef Py_ssize_t i, n
        if self.head is None or not isinstance(key, str):
            return None
        if PyUnicode_KIND(key) != PyUnicode_1BYTE_KIND:
            return None                                   # a name is ASCII
        n = PyUnicode_GET_LENGTH(key)
        p = <const unsigned char *>PyUnicode_DATA(key)    # of this kind, code points are bytes
        if n > LONGEST_KEY:
            name = bytes([KEY[p[i]] for i in range(n)])
            return find_field(self.head, &self.span, name, n)
        for i in range(n):
            lower[i] = KEY[p[i]]
        return find_field(self.head, &self.span, lower, n)

    def __getitem__(self, key):
        value = self.find(key)
        if value is None:
            raise missing(key)
        return value

    def _get_key(self, key):
        """What Werkzeug's own methods look fields up with."""
        return self[key]

    def get(self, key, default=None, type=None):
        """The value of a field, or `default`; also when `type` raises ValueError for it."""
        value = self.find(key)
        if value is None:
            return default
        if type is None:
            return value
        try:
            return type(value)
        except ValueError:
            pass
        return default

    def __contains__(self, key):
        return self.find(key) is not None

    def __iter__(self):
        """(name, value) in the order of the message; lines of one name joined at the first, as a WSGI environ has them."""
        return iter(self.joined_fields())

    def __len__(self):
        return len(self.joined_fields())

    def joined_fields(self):
        """Make the list of (name, value), names in title case."""
        fields = {}
        if self.head is not None:
            for name, _ in field_items(self.head, &self.span):
                if "_" not in name:
                    fields.setdefault(name.title(), None)
            if self.span.authority_length:
                fields.setdefault("Host", None)
        items = [(name, self.find(name)) for name in fields]
        return [(name, value) for name, value in items if value or name not in ("Content-Type", "Content-Length")]

    @property
    def environ(self):
        """The fields as variables of a WSGI environ: a dict of its own.  The request's whole environ is `request.environ`."""
        from kolben.http._environ import fields_environ
        return fields_environ(self)

    @property
    def _list(self):
        """Where Werkzeug's Headers keep fields; its EnvironHeaders keep none there."""
        return []

    def __reduce__(self):
        """Copies and pickles are Werkzeug's EnvironHeaders."""
        return EnvironHeaders, (self.environ,)


cdef object missing(object key):
    """What Werkzeug raises: KeyError with the environ's name; a client's mistake only for what is no name at all."""
    if not isinstance(key, str):
        return BadRequestKeyError(key)
    name = key.upper().replace("-", "_")
    return KeyError(name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}")


cdef list field_items(bytes head, const RequestHead *span):
    cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(head)
    cdef const FieldSpan *field
    cdef int i
    items = []
    for i in range(span.field_count):
        field = &span.fields[i]
        items.append((PyUnicode_DecodeASCII(<const char *>p + field.name, field.name_length, NULL), value_text(p, field)))
    return items


from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import BadRequestKeyError

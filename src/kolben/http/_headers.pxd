"""The map of a head's fields as a mapping that reads them where they stand."""

from kolben.wire._layout cimport FieldSpan, RequestHead

cdef enum:
    INLINE_FIELDS = 8     # heads with more take one allocation


# Copies `span` and its fields to `to`, whose fields are `room` (INLINE_FIELDS of them) or memory to be given to
# `release_spans`.
cdef int copy_spans(RequestHead *to, FieldSpan *room, const RequestHead *span) except -1
cdef void release_spans(RequestHead *span, const FieldSpan *room) noexcept

# The value of a field by its name in lower case with "-", as str; None if it did not come.  Lines of one name are joined
# (RFC 9110, section 5.3).  `head` is what the spans are offsets into.
cdef object find_field(bytes head, const RequestHead *span, const unsigned char *name, Py_ssize_t length)

# Every field line in order: [(name as sent, value)].
cdef list field_items(bytes head, const RequestHead *span)

# What `headers[key]` raises for a field that did not come.
cdef object missing(object key)

# Whether the Content-Type says JSON.  Allocates nothing.
cdef bint says_json(bytes head, const RequestHead *span) noexcept


cdef class FieldsBase:
    """The native half of a request's `headers`.

    Shares the head's bytes with its request and has spans of its own, so that it outlives the request and neither keeps
    the other alive.
    """

    cdef object __weakref__
    cdef dict __dict__                    # PERF: made with it, as a request's
    cdef bytes head
    cdef RequestHead span
    cdef FieldSpan _room[INLINE_FIELDS]
    cdef bytes _more          # the spans of more fields than that; else None

    cdef int fill(self, bytes head, const RequestHead *span) except -1
    cdef bint renew(self) except -1           # as RequestBase's
    cdef object find(self, object key)        # the value for a str key in any case, or None

"""The map of responses on their way out: the plain one, and any Werkzeug Response taken apart for the wire."""

from libc.stdint cimport int64_t

from kolben.http._request cimport RequestBase
from kolben.wire._writer cimport Output


cdef bytes HTML       # b"text/html; charset=utf-8": compared by identity
cdef bytes JSON       # b"application/json"


cdef class PlainResponse:
    """A status, a content type and a body: what most views return, when nobody asked to see it as a Response."""

    cdef readonly int status
    cdef readonly bytes content_type      # the value of the field
    cdef readonly object body             # bytes, or str to be sent as UTF-8


cpdef PlainResponse plain_response(int status, bytes content_type, object body)


cdef class WholeResponse:
    """A status line, fields and a whole body, as an application that knows no Response said them.  Close it behind its last byte."""

    cdef readonly int status
    cdef readonly str line                # "200 OK"
    cdef readonly list fields             # of (name, value); what must not go on the wire is refused when it is about to
    cdef readonly bytes body
    cdef str reason                       # the phrase; None: the registered one
    cdef readonly object closer           # called by close(); None: there is nothing to close


# Raises LocalProtocolError for a status line that is none.
cpdef WholeResponse whole_response(str line, list fields, bytes body, object closer)


cdef class Outgoing:
    """One answer, taken apart.  The server owns one and uses it again for every answer."""

    cdef int status
    cdef object body                      # bytes or str, whole; None: there is none, or it is in `iterable`
    cdef object iterable                  # a lazy body, or None
    cdef object response                  # to be closed after the last byte; None: nothing to close
    cdef int64_t length                   # bytes of the body; -1: known only at its end
    cdef bint chunked                     # the iterable goes out in the chunked coding
    cdef bint keep_alive                  # what was announced

    # Writes the head of `response` into `output` and fills the rest.  `request` None: a refusal before there was one.
    # Raises LocalProtocolError, having written nothing, for what must not go on the wire.
    cdef int take(self, object response, RequestBase request, Output output, bint keep_alive) except -1
    cdef void forget(self) noexcept
    cdef int take_plain(self, PlainResponse plain, RequestBase request, Output output) except -1
    cdef int take_whole(self, WholeResponse whole, RequestBase request, Output output) except -1
    cdef int take_response(self, object response, RequestBase request, Output output) except -1
    cdef int write_head(self, int status, str reason, list fields, object body, RequestBase request, Output output) except -1
    cdef object call(self, object response, RequestBase request)
    cdef object body_of(self, object response, object cls, RequestBase request)
    cdef list fields_of(self, object response, object cls, int status, RequestBase request)
    cdef object other_options(self, object value)
    cdef int write_framing(self, int status, bint bodyless, RequestBase request, Output output) except -1
    cdef int write_fields(self, list fields, bint is_told, RequestBase request, Output output) except -1
    cdef int write_end(self, RequestBase request, Output output) except -1


cdef bint has_no_body(int status) noexcept           # whatever was asked
cdef bint is_whole(object response) except -1        # it is its fields and one piece of bytes: nothing is overridden, lazy, or to be closed
cdef object status_text(int status)                  # "200 OK"
cdef tuple text_of_status(object text)               # (200, phrase or None if it is the registered one) of "200 OK"
cpdef bint is_lazy(object response) except -1        # whether its body has to be iterated over
cpdef object new_response(object cls, object body, int status, str content_type)

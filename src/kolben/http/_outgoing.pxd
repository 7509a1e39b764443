"""The map of answers on their way out: the plain ones, and any Werkzeug Response taken apart for the wire."""

from libc.stdint cimport int64_t

from kolben.http._request cimport RequestBase
from kolben.http._response cimport PlainResponse, WholeResponse
from kolben.wire._writer cimport Output


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

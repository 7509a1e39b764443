"""The map of what views return: two plain responses of our own, and what is asked of Werkzeug's Response."""

cdef bytes HTML       # b"text/html; charset=utf-8": compared by identity
cdef bytes JSON       # b"application/json"

cdef object plain_wsgi_headers, plain_app_iter, plain_iter_encoded       # Werkzeug's own: a class that has others overrides them


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


cpdef object new_response(object cls, object body, int status, str content_type)
cpdef bint is_lazy(object response) except -1        # whether its body has to be iterated over
cdef bint is_whole(object response) except -1        # it is its fields and one piece of bytes: nothing is overridden, lazy, or to be closed
cdef bint is_called(object cls) except -1            # its responses want to be asked as WSGI applications
cdef bint has_plain_fields(list fields, int status) except -1      # get_wsgi_headers would leave all but Content-Length alone

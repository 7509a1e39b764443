"""What views return: two plain responses of our own, and what is asked of Werkzeug's Response.

Response itself is a plain subclass of Werkzeug's with its state in `__dict__` (a native base breaks `force_type` and code that
copies `__dict__`): native are only these functions around it.  How one leaves is `_outgoing`'s.
"""

cimport cython

from kolben.http._status cimport has_no_body, status_text, text_of_status

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as WerkzeugResponse

plain_wsgi_headers = WerkzeugResponse.get_wsgi_headers
plain_app_iter = WerkzeugResponse.get_app_iter
plain_iter_encoded = WerkzeugResponse.iter_encoded
cdef object plain_wsgi_response = WerkzeugResponse.get_wsgi_response
cdef object plain_call = WerkzeugResponse.__call__
cdef object plain_init = WerkzeugResponse.__init__
cdef object plain_set_data = WerkzeugResponse.set_data
cdef object plain_close = WerkzeugResponse.close
HTML = b"text/html; charset=utf-8"
JSON = b"application/json"


# ---------------------------------------------------------------- plain ones

@cython.no_gc                         # text and bytes refer to nothing
@cython.freelist(16)
cdef class PlainResponse:
    """Immutable once made."""

    @property
    def status_code(self):
        """The status, under the name that Response has for it."""
        return self.status


cpdef PlainResponse plain_response(int status, bytes content_type, object body):
    """Make one; `body` is bytes, or str to be sent as UTF-8."""
    cdef PlainResponse response = PlainResponse.__new__(PlainResponse)
    response.status = status
    response.content_type = content_type
    response.body = body
    return response


@cython.freelist(16)
cdef class WholeResponse:

    def close(self):
        """Close what the body came from: its last byte is out, or nobody waits for it."""
        closer, self.closer = self.closer, None
        if closer is not None:
            closer()

    @property
    def status_code(self):
        """The status, under the name that Response has for it."""
        return self.status


cpdef WholeResponse whole_response(str line, list fields, bytes body, object closer):
    """Make one of what a WSGI application said, or another that has status and fields as text."""
    cdef WholeResponse whole = WholeResponse.__new__(WholeResponse)
    whole.status, whole.reason = text_of_status(line)
    whole.line = line
    whole.fields = fields
    whole.body = body
    whole.closer = closer
    return whole


# ---------------------------------------------------------------- Werkzeug's

cpdef object new_response(object cls, object body, int status, str content_type):
    """Make a Response without its constructor: 0.2 instead of 4 µs.

    `body` is str or bytes.  What the constructor would have set is set; a class with a constructor of its own gets it called.
    """
    if cls.__init__ is not plain_init or cls.set_data is not plain_set_data or not cls.automatically_set_content_length:
        return cls(body, status, content_type=content_type)
    response = cls.__new__(cls)
    headers = Headers.__new__(Headers)
    if isinstance(body, str):
        body = body.encode()
    headers._list = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    response.__dict__ = {
        "headers": headers, "response": [body], "_status_code": status, "_status": status_text(status),
        "direct_passthrough": False, "_on_close": [],
    }
    return response


cdef bint is_called(object cls) except -1:
    return cls.__call__ is not plain_call or cls.get_wsgi_response is not plain_wsgi_response


cpdef bint is_lazy(object response) except -1:
    """Whether the body of a response has to be iterated over."""
    if isinstance(response, (PlainResponse, WholeResponse)):
        return False
    cls = type(response)
    if cls.get_app_iter is not plain_app_iter or is_called(cls):
        return True
    return response.direct_passthrough or not isinstance(response.response, (list, tuple))


cdef bint is_whole(object response) except -1:
    cls = type(response)
    if not isinstance(response, WerkzeugResponse) or is_lazy(response) or response._on_close or len(response.response) != 1:
        return False
    if cls.close is not plain_close or cls.iter_encoded is not plain_iter_encoded or cls.get_wsgi_headers is not plain_wsgi_headers:
        return False
    return (
        type(response.response[0]) is bytes and type(response.headers) is Headers and cls.automatically_set_content_length
        and not has_no_body(response._status_code) and has_plain_fields(response.headers._list, response._status_code))


cdef bint has_plain_fields(list fields, int status) except -1:
    if status == 304 or status < 200:
        return False
    for name, _ in fields:
        if len(name) in (8, 16) and name.lower() in ("location", "content-location"):
            return False
    return True

"""Responses on their way out: heads serialised once, bodies left where they are.

Response itself is a plain subclass of Werkzeug's with its state in `__dict__` (a native base breaks `force_type` and code that
copies `__dict__`): native are only these functions around it.  What a subclass overrides (`get_wsgi_headers`, `get_app_iter`) is called.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t
from libc.string cimport memcpy
from libc.time cimport time, time_t

from kolben.http._request cimport RequestBase
from kolben.wire._writer cimport Output, write_field, write_size, write_status

from email.utils import formatdate

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.base.errors import LocalProtocolError

cdef object plain_wsgi_headers = WerkzeugResponse.get_wsgi_headers
cdef object plain_app_iter = WerkzeugResponse.get_app_iter
cdef object plain_iter_encoded = WerkzeugResponse.iter_encoded
cdef bytes CLOSE = b"Connection: close\r\n"
cdef bytes KEEP_ALIVE = b"Connection: keep-alive\r\n"
cdef bytes CHUNKED = b"Transfer-Encoding: chunked\r\n"
cdef bytes SERVER = b"Server: kolben\r\n"
cdef bytes OK_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
cdef bytes OK_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HTML = b"text/html; charset=utf-8"
JSON = b"application/json"


# ---------------------------------------------------------------- Date, cached per second

cdef time_t date_second = 0
cdef char date_field[64]          # "Date: Sun, 22 Nov 2026 05:00:00 GMT\r\nServer: kolben\r\n"
cdef Py_ssize_t date_length = 0   # of the Date line
cdef Py_ssize_t both_length = 0   # with the Server line


cdef int refresh_date() except -1:
    """Keep the Date line of the present second (RFC 9110, section 6.6.1)."""
    global date_second, date_length, both_length
    cdef time_t now = time(NULL)
    if now != date_second:
        line = f"Date: {formatdate(now, usegmt=True)}\r\n".encode("ascii")
        date_length = len(line)
        both = line + SERVER
        both_length = len(both)
        memcpy(date_field, PyBytes_AS_STRING(both), both_length)
        date_second = now
    return 0


cdef inline int write_bytes(Output output, bytes text) except -1:
    return output.write(<const unsigned char *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


# ---------------------------------------------------------------- responses

@cython.freelist(16)
cdef class PlainResponse:
    """Immutable once made."""

    @property
    def status_code(self):
        """The status, under the name that Response has for it."""
        return self.status


cdef PlainResponse plain_response(int status, bytes content_type, object body):
    cdef PlainResponse response = PlainResponse.__new__(PlainResponse)
    response.status = status
    response.content_type = content_type
    response.body = body
    return response


cdef object new_response(type cls, object body, int status, str content_type):
    """Make a Response without its constructor: 0.2 instead of 4 µs.

    `cls` must not override `__init__`; `body` is str or bytes; the result has what the constructor would have set.
    """
    response = cls.__new__(cls)
    headers = Headers.__new__(Headers)
    if isinstance(body, str):
        body = body.encode()
    headers._list = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    response.__dict__.update(
        headers=headers, response=[body], _status_code=status, _status=status_text(status), direct_passthrough=False, _on_close=[],
    )
    return response


cdef dict STATUS_TEXTS = {}


cdef object status_text(int status):
    text = STATUS_TEXTS.get(status)
    if text is None:
        from werkzeug.http import HTTP_STATUS_CODES
        text = STATUS_TEXTS[status] = f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}"
    return text


cdef bint is_lazy(object response):
    if isinstance(response, PlainResponse):
        return False
    cls = type(response)
    if cls.get_app_iter is not plain_app_iter:
        return True
    return response.direct_passthrough or not isinstance(response.response, (list, tuple))


# ---------------------------------------------------------------- taking apart

cdef class Outgoing:

    cdef void forget(self) noexcept:
        self.body = None
        self.iterable = None
        self.response = None

    cdef int take(self, object response, RequestBase request, Output output, bint keep_alive) except -1:
        cdef Py_ssize_t start = output.length
        self.forget()
        self.chunked = False
        self.length = 0
        self.keep_alive = keep_alive
        try:
            if type(response) is PlainResponse:
                self.take_plain(<PlainResponse>response, request, output)
            else:
                self.take_response(response, request, output)
        except BaseException:
            output.length = start
            self.forget()
            raise
        return 0

    cdef int take_plain(self, PlainResponse plain, RequestBase request, Output output) except -1:
        cdef Py_ssize_t n = 0
        cdef bint is_head = request is not None and request.is_head_method()
        if isinstance(plain.body, bytes):
            n = PyBytes_GET_SIZE(plain.body)
        else:
            PyUnicode_AsUTF8AndSize(plain.body, &n)
        self.status = plain.status
        output.reserve(512)
        if plain.status == 200 and plain.content_type is HTML:
            write_bytes(output, OK_HTML)
        elif plain.status == 200 and plain.content_type is JSON:
            write_bytes(output, OK_JSON)
        else:
            write_status(output, plain.status, None)
            if plain.content_type is not None:
                write_field(output, b"Content-Type", plain.content_type)
        if not has_no_body(plain.status):
            write_size(output, b"Content-Length", n)
            if not is_head:
                self.body = plain.body
                self.length = n
        refresh_date()
        output.write(<const unsigned char *>date_field, both_length)
        self.write_end(request, output)
        return 0

    cdef int take_response(self, object response, RequestBase request, Output output) except -1:
        """Do what Werkzeug's `get_app_response` does, to bytes."""
        cdef bint is_head = request is not None and request.is_head_method()
        cls = type(response)
        cdef int status = response._status_code
        cdef bint bodyless = is_head or has_no_body(status)
        if status < 200 or status > 999:
            raise LocalProtocolError(
                f"status {status}: an answer has a status from 200 to 999", source="RFC 9110, section 15"
            )
        self.status = status
        self.response = response
        self.length = -1
        body = response.response
        if cls.get_app_iter is not plain_app_iter:
            body = response.get_app_iter(environ_of(request))
        elif isinstance(body, (list, tuple)) and not response.direct_passthrough:
            body = joined(response, body)
            self.length = len(body)
        elif not bodyless and not response.direct_passthrough and not hasattr(body, "__aiter__"):
            body = response.iter_encoded()
        if cls.get_wsgi_headers is plain_wsgi_headers and plain_enough(response.headers._list, status):
            fields = response.headers._list
        else:
            fields = response.get_wsgi_headers(environ_of(request))._list
        write_status(output, status, reason_of(response._status, status))
        self.write_fields(fields, bodyless, output)
        if has_no_body(status):
            self.length = 0
        elif self.length >= 0:
            write_size(output, b"Content-Length", self.length)
        elif request is None or request.span.minor_version >= 1:
            self.chunked = True
            write_bytes(output, CHUNKED)
        elif not is_head:
            self.keep_alive = False       # RFC 9112, section 6.3: what has no length ends with the connection
        if not bodyless:
            if isinstance(body, bytes):
                self.body = body
            else:
                self.iterable = body
        else:
            self.length = 0
            self.chunked = False
        self.write_end(request, output)
        return 0

    cdef int write_fields(self, list fields, bint bodyless, Output output) except -1:
        """Write the application's fields but for those that belong to us; Date and Server where it gave none."""
        cdef bint has_date = False, has_server = False
        for name, value in fields:
            size = len(name)
            if size == 14 and name.lower() == "content-length":
                if self.length < 0:
                    self.length = content_length(value)
                continue
            if size == 17 and name.lower() == "transfer-encoding":
                continue
            if size == 10 and name.lower() == "connection":
                if "close" in value.lower():
                    self.keep_alive = False
                    continue
            elif size == 4 and name.lower() == "date":
                has_date = True
            elif size == 6 and name.lower() == "server":
                has_server = True
            write_field(output, name, value)
        refresh_date()
        if not has_date:
            output.write(<const unsigned char *>date_field, date_length)
        if not has_server:
            write_bytes(output, SERVER)
        return 0

    cdef int write_end(self, RequestBase request, Output output) except -1:
        if not self.keep_alive:
            write_bytes(output, CLOSE)
        elif request is not None and request.span.minor_version == 0:
            write_bytes(output, KEEP_ALIVE)
        output.write(b"\r\n", 2)
        return 0


cdef inline bint has_no_body(int status) noexcept:
    return status < 200 or status == 204 or status == 304


cdef object environ_of(RequestBase request):
    return {} if request is None else request.environ


cdef object joined(object response, object body):
    """The whole body as bytes; what a subclass's `iter_encoded` makes of it, if there is one."""
    if type(response).iter_encoded is plain_iter_encoded and len(body) == 1 and type(body[0]) is bytes:
        return body[0]
    return b"".join(response.iter_encoded())


cdef bint plain_enough(list fields, int status):
    """Whether Werkzeug's get_wsgi_headers would leave these fields alone, but for Content-Length."""
    if status == 304 or status < 200:
        return False
    for name, _ in fields:
        if len(name) in (8, 16) and name.lower() in ("location", "content-location"):
            return False
    return True


cdef object reason_of(object status, int code):
    """The phrase of "200 OK" if it is not the registered one."""
    if status == status_text(code):
        return None
    phrase = status.partition(" ")[2]
    return phrase or None


cdef int64_t content_length(object value) except -2:
    """The size that the application announced for a lazy body."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise LocalProtocolError(f"Content-Length {text!r}: expected digits", source="RFC 9110, section 8.6")
    return int(text)

"""Answers on their way out: heads serialised once, bodies left where they are.

Of a Response, what a subclass overrides (`get_wsgi_headers`, `get_app_iter`, `iter_encoded`, `get_wsgi_response`, `__call__`) is called.

Where what is sent deliberately differs from what Werkzeug's Response gives a WSGI server:

- Content-Length is what a whole body has, whatever the application said; for HEAD it may say it for a body that it left out.
- Transfer-Encoding, Keep-Alive, Proxy-Connection and Trailer are about our connection, and left out; of Connection, `close` and
  `keep-alive` are ours. 204 and 304 carry no Content-Length.
- Date, Server and the reason phrase are there; a phrase of the application's own is kept.
- A status below 200 is refused: it would be no answer (RFC 9110, section 15.2).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from kolben.http._house_fields cimport house_sizes, write_house_fields
from kolben.http._request cimport RequestBase
from kolben.http._response cimport (
    HTML, JSON, PlainResponse, WholeResponse, has_plain_fields, is_called, plain_app_iter, plain_iter_encoded, plain_wsgi_headers)
from kolben.http._status cimport has_no_body, reason_of, text_of_status
from kolben.wire._writer cimport Output, latin1_bytes, write_field, write_size, write_status

from itertools import chain, islice

from werkzeug.datastructures import Headers

from kolben.base.errors import LocalProtocolError

cdef bytes CLOSE = b"Connection: close\r\n"
cdef bytes KEEP_ALIVE = b"Connection: keep-alive\r\n"
cdef bytes CHUNKED = b"Transfer-Encoding: chunked\r\n"
cdef bytes OK_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
cdef bytes OK_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


cdef inline int write_bytes(Output output, bytes text) except -1:
    return output.write(<const unsigned char *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef inline void append(Output output, const unsigned char *p, Py_ssize_t n) noexcept:
    """Write into room that was reserved."""
    memcpy(output.data + output.length, p, n)
    output.length += n


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
            elif type(response) is WholeResponse:
                self.take_whole(<WholeResponse>response, request, output)
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
        output.reserve(512)                   # more than what append() is called for here
        if plain.status == 200 and plain.content_type is HTML:
            append(output, <const unsigned char *>PyBytes_AS_STRING(OK_HTML), PyBytes_GET_SIZE(OK_HTML))
        elif plain.status == 200 and plain.content_type is JSON:
            append(output, <const unsigned char *>PyBytes_AS_STRING(OK_JSON), PyBytes_GET_SIZE(OK_JSON))
        else:
            write_status(output, plain.status, None)
            if plain.content_type is not None:
                write_field(output, b"Content-Type", plain.content_type)
        if not has_no_body(plain.status):
            write_size(output, b"Content-Length", n)
            if not is_head:
                self.body = plain.body
                self.length = n
        write_house_fields(output, request, False, False, None)
        return self.write_end(request, output)

    cdef int take_whole(self, WholeResponse whole, RequestBase request, Output output) except -1:
        if whole.closer is not None:
            self.response = whole
        self.length = PyBytes_GET_SIZE(whole.body)
        return self.write_head(whole.status, whole.reason, whole.fields, whole.body, request, output)

    cdef int take_response(self, object response, RequestBase request, Output output) except -1:
        """Do what Werkzeug's `get_wsgi_response` does, to bytes."""
        cls = type(response)
        cdef int status
        self.response = response
        if is_called(cls):
            fields, text, body = self.call(response, request)
            status, reason = text_of_status(text)
        else:
            status = response._status_code
            reason = reason_of(response._status, status)
            fields = self.fields_of(response, cls, status, request)
            body = self.body_of(response, cls, request)
        return self.write_head(status, reason, fields, body, request, output)

    cdef int write_head(self, int status, str reason, list fields, object body, RequestBase request, Output output) except -1:
        """Write status line and fields; `body` is bytes whose length is noted, or an iterable."""
        cdef bint bodyless
        if status < 200 or status > 999:
            raise LocalProtocolError(f"status {status}: an answer has a status from 200 to 999", source="RFC 9110, section 15")
        self.status = status
        bodyless = has_no_body(status) or (request is not None and request.is_head_method())
        write_status(output, status, reason)
        self.write_fields(fields, not has_no_body(status) and (self.length < 0 or (bodyless and self.length == 0)), request, output)
        self.write_framing(status, bodyless, request, output)
        if bodyless:
            self.length = 0
            self.chunked = False
        elif isinstance(body, bytes):
            self.body = body
        else:
            self.iterable = body
        return self.write_end(request, output)

    cdef object call(self, object response, RequestBase request):
        """Ask the response as a WSGI application: (fields, status, iterable).  Its iterable is closed with the response."""
        started = []
        written = []

        def start_response(status, headers, exc_info=None):
            started[:] = [status, headers]
            return written.append

        self.length = -1
        iterable = response(environ_of(request), start_response)
        if not started:                # it may call start_response when it is iterated over (PEP 3333)
            iterable = iter(iterable)
            written.extend(islice(iterable, 1))
        if not started:
            raise LocalProtocolError(
                f"{type(response).__name__}: expected it to call start_response before its first byte", source="PEP 3333")
        response.__dict__["close"] = getattr(iterable, "close", nothing)       # as a WSGI server does, and nothing beside it
        return [(name, value) for name, value in started[1]], started[0], chain(written, iterable) if written else iterable

    cdef object body_of(self, object response, object cls, RequestBase request):
        """What to send as a body: bytes, with their length noted, or an iterable."""
        body = response.response
        if cls.get_app_iter is not plain_app_iter:
            self.length = -1
            return response.get_app_iter(environ_of(request))
        if isinstance(body, (list, tuple)):
            body = b"".join(body) if response.direct_passthrough else joined(response, body)
            self.length = len(body)
            return body
        self.length = -1
        if response.direct_passthrough or hasattr(body, "__aiter__"):
            return body
        return response.iter_encoded()

    cdef list fields_of(self, object response, object cls, int status, RequestBase request):
        """The fields, as Werkzeug's get_wsgi_headers gives them."""
        headers = response.headers
        if cls.get_wsgi_headers is plain_wsgi_headers and type(headers) is Headers and has_plain_fields(headers._list, status):
            return <list>headers._list
        return list(response.get_wsgi_headers(environ_of(request)))

    cdef int write_fields(self, list fields, bint is_told, RequestBase request, Output output) except -1:
        """Write the application's fields but for those that belong to us; Date and Server where it gave none.

        `is_told`: the length is what the application says, if it does.
        """
        cdef bint has_date = False, has_server = False
        cdef int64_t announced = -1
        cdef const unsigned char *p
        cdef Py_ssize_t size = 0
        cdef set given = None                 # house fields that the application gives itself
        for name, value in fields:
            p = latin1_bytes(name, &size)     # NULL: it is refused when it is written
            if p == NULL:
                size = 0
            if size == 14 and is_named(p, b"content-length", 14):
                if is_told:
                    announced = announced_length(value, announced)
                continue
            if is_ours(p, size):
                continue
            if size == 10 and is_named(p, b"connection", 10):
                value = self.other_options(value)
                if not value:
                    continue
            elif size == 4 and is_named(p, b"date", 4):
                has_date = True
            elif size == 6 and is_named(p, b"server", 6):
                has_server = True
            elif house_sizes >> (size if size < 63 else 63) & 1:
                given = given or set()
                given.add(name.lower())
            write_field(output, name, value)
        if announced >= 0:
            self.length = announced
        return write_house_fields(output, request, has_date, has_server, given)

    cdef object other_options(self, object value):
        """Take `close` and `keep-alive` out of a Connection field; what is left of it."""
        kept = []
        for option in value.split(","):
            known = option.strip(" \t").lower()
            if known == "close":
                self.keep_alive = False
            elif known and known != "keep-alive":
                kept.append(option)
        return ",".join(kept).strip(" \t")

    cdef int write_framing(self, int status, bint bodyless, RequestBase request, Output output) except -1:
        """Say how the body ends (RFC 9112, section 6.3); to HEAD, how it would."""
        if has_no_body(status):
            return 0
        if self.length >= 0:
            return write_size(output, b"Content-Length", self.length)
        if request is None or request.span.minor_version >= 1:
            self.chunked = True
            return write_bytes(output, CHUNKED)
        if not bodyless:
            self.keep_alive = False           # what has no length ends with the connection
        return 0

    cdef int write_end(self, RequestBase request, Output output) except -1:
        if not self.keep_alive:
            write_bytes(output, CLOSE)
        elif request is not None and request.span.minor_version == 0:
            write_bytes(output, KEEP_ALIVE)
        output.write(b"\r\n", 2)
        return 0


cdef inline bint is_named(const unsigned char *p, const char *name, Py_ssize_t n) noexcept:
    """Whether p[0:n] is a name that is given in lower case."""
    cdef Py_ssize_t i
    for i in range(n):
        if p[i] != <unsigned char>name[i] and not (c"A" <= p[i] <= c"Z" and p[i] + 32 == <unsigned char>name[i]):
            return False
    return True


cdef bint is_ours(const unsigned char *p, Py_ssize_t n) noexcept:
    """Whether a field is about the connection only, which is ours, and not the application's (RFC 9110, section 7.6.1)."""
    if n == 7:
        return is_named(p, b"trailer", 7)
    if n == 10:
        return is_named(p, b"keep-alive", 10)
    if n == 16:
        return is_named(p, b"proxy-connection", 16)
    return n == 17 and is_named(p, b"transfer-encoding", 17)


cdef object environ_of(RequestBase request):
    """The environ to give to what a subclass overrides; of a request for "/" where there was none."""
    if request is not None:
        return request.environ
    from werkzeug.test import create_environ
    return create_environ()


def nothing():
    """Close what has nothing to close."""


cdef object joined(object response, object body):
    """The whole body as bytes; what a subclass's `iter_encoded` makes of it, if there is one."""
    if type(response).iter_encoded is plain_iter_encoded and len(body) == 1 and type(body[0]) is bytes:
        return body[0]
    return b"".join(response.iter_encoded())


cdef int64_t announced_length(object value, int64_t before) except -2:
    """The size that the application announced for a body that we do not have; `before`: what an earlier field said, or -1."""
    cdef int64_t length
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise LocalProtocolError(f"Content-Length {text!r:.80}: expected digits", source="RFC 9110, section 8.6")
    length = int(text)
    if before >= 0 and length != before:
        raise LocalProtocolError(f"Content-Length: expected one, got {before} and {length}", source="RFC 9110, section 8.6")
    return length


# ---------------------------------------------------------------- without a socket

def serialize(response not None, RequestBase request=None, bint keep_alive=True):
    """Take a response apart as the server does: for tests and tools.

    Close the response after its last byte, as a server does.

    Args:
        response: A Response or a PlainResponse.
        request: What it answers, made from bytes; None: a GET in HTTP/1.1.
        keep_alive: Whether the connection could be kept.

    Returns:
        The head's bytes, and the body: bytes, or an iterable of them still to be framed as the head says.

    Raises:
        LocalProtocolError: there is something in it that must not go on the wire.
    """
    cdef Output output = Output()
    cdef Outgoing outgoing = Outgoing()
    if request is not None and request.head is None:
        raise TypeError("request: expected one that was made from bytes, got one of a WSGI environ")
    outgoing.take(response, request, output, keep_alive)
    body = outgoing.body if outgoing.iterable is None else outgoing.iterable
    if isinstance(body, str):
        body = body.encode()
    return bytes(output), b"" if body is None else body

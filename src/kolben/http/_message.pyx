"""A message as it came: holds the head's bytes and the connection's facts, and materialises what is asked for.

Each property can be assigned, as Werkzeug's constructor does for a request made from a WSGI environ.  Refuses to know the body, what a
query means, and who uses a request again.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.string cimport memcmp

from kolben.base._spent cimport let_go_of_dict, references
from kolben.http._headers cimport FieldsBase, copy_spans, find_field, release_spans
from kolben.wire._head cimport RequestHead

from urllib.parse import unquote_to_bytes

cdef extern from "Python.h":
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()
cdef object NOTHING = object()                    # None was assigned
cdef dict METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")}
cdef str GET = "GET"
cdef str SLASH = "/"
cdef object make_environ = None                   # of _environ.pyx, at first use
cdef object headers_class = None                  # RequestHeaders of headers.py, likewise
cdef object variables_class = None                # EnvironFields of headers.py, likewise


cdef class ConnectionInfo:

    cdef object make_remote(self):
        return None

    @property
    def remote(self):
        """The peer's (host, port); None where there is none, as on most Unix sockets."""
        if self._remote is None:
            self._remote = self.make_remote()
        return self._remote


cdef class Message:

    def __dealloc__(self):
        release_spans(&self.span, self._inline)
        let_go_of_dict(<PyObject *>self)

    cdef int fill(self, const unsigned char *p, const RequestHead *span, ConnectionInfo connection) except -1:
        copy_spans(&self.span, self._inline, span)
        self.head = PyBytes_FromStringAndSize(<const char *>p, span.length)
        self.connection = connection
        return 0

    cdef int forget(self) except -1:
        release_spans(&self.span, self._inline)
        self.head = self.connection = self._method = self._path = None
        if self._headers is not None:
            headers, self._headers = self._headers, None
            if type(headers) is headers_class and references(<PyObject *>headers) == 1 and (<FieldsBase>headers).renew():
                self.spent_headers = <FieldsBase>headers
        if self._environ is not None or self._scheme is not None or self._server is not None or self._remote_addr is not None:
            self._environ = self._scheme = self._server = self._remote_addr = None
        if self._query_string is not None or self._root_path is not None:
            self._query_string = self._root_path = None
        return 0

    @property
    def is_disconnected(self):
        """Whether the client has left and waits for no answer.  Only Kolben's own server tells; elsewhere it is always False."""
        return self.connection is not None and self.connection.is_gone

    cdef int ensure_head(self) except -1:
        """Refuse to read what is not there: neither a head nor an environ was given."""
        if self.head is None:
            raise AttributeError(f"{type(self).__name__!r} object is empty: expected it to be made from an environ or by from_bytes()")
        return 0

    cdef object method_text(self):
        cdef const unsigned char *p
        if self._method is None:
            self.ensure_head()
            p = <const unsigned char *>PyBytes_AS_STRING(self.head) + self.span.start
            if self.span.method_length == 3 and memcmp(p, b"GET", 3) == 0:
                self._method = GET
            else:
                raw = p[:self.span.method_length]
                self._method = METHODS.get(raw) or raw.decode("ascii")
        return self._method

    cdef bint is_head_method(self) noexcept:
        return self.span.method_length == 4 and memcmp(PyBytes_AS_STRING(self.head) + self.span.start, b"HEAD", 4) == 0

    cdef bint has_plain_path(self) noexcept:
        cdef const char *p = PyBytes_AS_STRING(self.head) + self.span.path
        return not self.span.escaped and p[0] == c"/" and p[1] != c"/"        # bytes have a NUL at their end

    cdef object path_text(self):
        cdef const char *p
        cdef Py_ssize_t n
        if self._path is None:
            self.ensure_head()
            p = PyBytes_AS_STRING(self.head) + self.span.path
            n = self.span.path_length
            if n == 1 and p[0] == c"/":
                self._path = SLASH
            elif n == 0:
                self._path = SLASH
            elif not self.span.escaped and p[0] == c"/" and p[1] != c"/":     # bytes have a NUL at their end
                self._path = PyUnicode_DecodeASCII(p, n, NULL)
            else:
                # As WSGI servers and Werkzeug do together: decoded once, as UTF-8; one slash at the front, of "*", too.
                self._path = "/" + unquote_to_bytes(p[:n]).decode("utf-8", "replace").lstrip("/")
        return self._path

    cdef object field(self, const unsigned char *name, Py_ssize_t length):
        self.ensure_head()
        return find_field(self.head, &self.span, name, length)

    @property
    def method(self):
        """The method as it was sent, such as "GET" (methods are case-sensitive: RFC 9110, section 9.1)."""
        return self.method_text() if self._method is None else self._method

    @method.setter
    def method(self, value):
        self._method = value

    @property
    def path(self):
        """The decoded path, with one slash at its front."""
        return self.path_text() if self._path is None else self._path

    @path.setter
    def path(self, value):
        self._path = value

    @property
    def query_string(self):
        """What follows the "?" of the target, as bytes, not decoded."""
        if self._query_string is not None:
            return self._query_string
        self.ensure_head()
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.head) + self.span.query, self.span.query_length)

    @query_string.setter
    def query_string(self, value):
        self._query_string = value

    @property
    def headers(self):
        """The fields of the head: Werkzeug's EnvironHeaders, read where they stand."""
        if self._headers is None:
            self._headers = make_headers(self)
        return self._headers

    @headers.setter
    def headers(self, value):
        self._headers = value

    @property
    def scheme(self):
        """`http` or `https`."""
        if self._scheme is not None:
            return self._scheme
        self.ensure_head()
        return self.connection.scheme

    @scheme.setter
    def scheme(self, value):
        self._scheme = value

    @property
    def server(self):
        """(host, port) of the socket that took the connection; (path, None) for a Unix socket."""
        if self._server is None:
            return None if self.connection is None else self.connection.server
        return None if self._server is NOTHING else self._server

    @server.setter
    def server(self, value):
        self._server = NOTHING if value is None else value

    @property
    def root_path(self):
        """The prefix that the application is mounted under, without a slash at its end."""
        return "" if self._root_path is None else self._root_path

    @root_path.setter
    def root_path(self, value):
        self._root_path = value

    @property
    def remote_addr(self):
        """The address of the peer, or None where it has none."""
        if self._remote_addr is None:
            remote = None if self.connection is None else self.connection.remote
            return None if remote is None else remote[0]
        return None if self._remote_addr is NOTHING else self._remote_addr

    @remote_addr.setter
    def remote_addr(self, value):
        self._remote_addr = NOTHING if value is None else value

    @property
    def environ(self):
        """The WSGI environ (PEP 3333), made when it is first asked for.  From then on `headers` reads it."""
        global make_environ
        if self._environ is None:
            self.ensure_head()
            if make_environ is None:
                from kolben.http._environ import make_environ as maker
                make_environ = maker
            self._environ = make_environ(self)
            if isinstance(self._headers, FieldsBase):
                self._headers = None
        return self._environ

    @environ.setter
    def environ(self, value):
        self._environ = value

    @property
    def request_line(self):
        """The first line of the head as it was sent: "GET /path?query HTTP/1.1"."""
        if self.head is None:
            return f"{self.method} {self.full_path.rstrip('?')} {self.environ.get('SERVER_PROTOCOL', 'HTTP/1.1')}"
        return (<bytes>self.head)[self.span.start:].partition(b"\r")[0].decode("ascii")

    @property
    def is_native(self):
        """Whether it was made from the bytes of its head rather than from a WSGI environ."""
        return self.head is not None

    def _come_from(self, host, scheme):
        """Take what a trusted proxy says of the connection that it passed this request on from; None: it does not say."""
        self.ensure_head()
        cdef ConnectionInfo before = self.connection
        cdef ConnectionInfo info = ConnectionInfo.__new__(ConnectionInfo)
        info.scheme = scheme or before.scheme
        info.server = before.server
        info._remote = (host, 0) if host else before.remote
        self.connection = info


cdef object make_headers(Message message):
    global headers_class, variables_class
    if headers_class is None:
        from kolben.http.headers import EnvironFields, RequestHeaders
        headers_class, variables_class = RequestHeaders, EnvironFields
    if message._environ is not None:
        return variables_class(message._environ)
    message.ensure_head()
    cdef FieldsBase fields = message.spent_headers
    if fields is not None:
        message.spent_headers = None
    else:
        fields = (<TypeSlots *>headers_class).tp_new(<TypeSlots *>headers_class, NO_ARGS, NULL)
    fields.fill(message.head, &message.span)
    return fields

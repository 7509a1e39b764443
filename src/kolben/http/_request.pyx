"""A request's native data: holds the head as it came and materialises what is asked for.

Werkzeug's names and types stand at the surface: `Request` in request.py has RequestBase as its first base and Werkzeug's
Request as its second, so whatever is not read here is Werkzeug's own, working on the attributes that are.  Each property
can be assigned, as Werkzeug's constructor does for a request made from a WSGI environ.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_SetItem
from cpython.object cimport PyObject
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1, PyUnicode_GET_LENGTH
from libc.string cimport memchr, memcmp, memcpy

from kolben.wire._head cimport FieldSpan, NO_FIELD, RequestHead

from urllib.parse import parse_qsl, unquote_to_bytes

from werkzeug.datastructures import ImmutableMultiDict

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()
cdef object EMPTY_ARGS = ImmutableMultiDict()     # immutable, so one for all
cdef object new_args = ImmutableMultiDict.__new__
cdef dict METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")}
cdef str GET = "GET"
cdef str SLASH = "/"
cdef object make_environ                          # from environ.py, at first use
cdef object headers_class                         # RequestHeaders of headers.py, likewise


cdef unsigned char LOWER[256]                     # ASCII letters in lower case, every other byte itself
cdef int _i
for _i in range(256):
    LOWER[_i] = _i + 32 if 65 <= _i <= 90 else _i


cdef bint equals_lower(const unsigned char *p, const unsigned char *lower, Py_ssize_t n) noexcept:
    """Whether p[0:n] in lower case is lower[0:n]."""
    cdef Py_ssize_t i
    for i in range(n):
        if LOWER[p[i]] != lower[i]:
            return False
    return True


cdef class ConnectionInfo:

    cdef object make_remote(self):
        return None

    @property
    def remote(self):
        """The peer's (host, port); None where there is none, as on most Unix sockets."""
        if self._remote is None:
            self._remote = self.make_remote()
        return self._remote


cdef class RequestBase:

    def __dealloc__(self):
        if self.span.fields != NULL and self.span.fields != self._inline:
            PyMem_Free(self.span.fields)

    cdef int fill(self, const unsigned char *p, const RequestHead *span, ConnectionInfo connection) except -1:
        cdef FieldSpan *fields = self._inline
        cdef size_t size = span.field_count * sizeof(FieldSpan)
        self.head = PyBytes_FromStringAndSize(<const char *>p, span.length)
        if span.field_count > INLINE_FIELDS:
            fields = <FieldSpan *>PyMem_Malloc(size)
            if fields == NULL:
                raise MemoryError
        memcpy(fields, span.fields, size)
        self.span = span[0]
        self.span.fields = fields
        self.connection = connection
        return 0

    cdef object method_text(self):
        cdef const unsigned char *p
        if self._method is None:
            p = <const unsigned char *>PyBytes_AS_STRING(self.head) + self.span.start
            if self.span.method_length == 3 and memcmp(p, b"GET", 3) == 0:
                self._method = GET
            else:
                raw = p[:self.span.method_length]
                self._method = METHODS.get(raw) or raw.decode("ascii")
        return self._method

    cdef bint is_head_method(self) noexcept:
        return self.span.method_length == 4 and memcmp(PyBytes_AS_STRING(self.head) + self.span.start, b"HEAD", 4) == 0

    cdef object path_text(self):
        cdef const char *p
        cdef Py_ssize_t n
        if self._path is None:
            p = PyBytes_AS_STRING(self.head) + self.span.path
            n = self.span.path_length
            if n == 1 and p[0] == c"/":
                self._path = SLASH
            elif not self.span.escaped and not (n > 1 and p[0] == c"/" and p[1] == c"/"):
                self._path = PyUnicode_DecodeASCII(p, n, NULL) if n else SLASH
            else:
                # As WSGI servers and Werkzeug do together: decoded once, as UTF-8; one slash at the front.
                self._path = "/" + unquote_to_bytes(p[:n]).decode("utf-8", "replace").lstrip("/")
        return self._path

    cdef object field(self, const unsigned char *name, Py_ssize_t length):
        cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(self.head)
        cdef FieldSpan *span
        cdef int i
        found = None
        if self.span.authority_length and length == 4 and memcmp(name, b"host", 4) == 0:    # RFC 9112, section 3.2.2
            return PyUnicode_DecodeASCII(<const char *>p + self.span.authority, self.span.authority_length, NULL)
        for i in range(self.span.field_count):
            span = &self.span.fields[i]
            if span.name_length == length and equals_lower(p + span.name, name, length):
                value = PyUnicode_DecodeLatin1(<const char *>p + span.value, span.value_length, NULL)
                if found is None:
                    found = value
                else:       # RFC 9110, section 5.3; cookies by RFC 6265's separator
                    found = f"{found}; {value}" if length == 6 and memcmp(name, b"cookie", 6) == 0 else f"{found},{value}"
        return found

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
        if self._query_string is None:
            self._query_string = PyBytes_FromStringAndSize(PyBytes_AS_STRING(self.head) + self.span.query, self.span.query_length)
        return self._query_string

    @query_string.setter
    def query_string(self, value):
        self._query_string = value

    @property
    def headers(self):
        """The fields of the head: Werkzeug's EnvironHeaders, read where they stand.

        A new view of them each time: kept, it and the request would be a reference cycle, which only the collector frees.
        """
        return make_headers(self) if self._headers is None else self._headers

    @headers.setter
    def headers(self, value):
        self._headers = value

    @property
    def args(self):
        """The parsed query string: an ImmutableMultiDict, or what `parameter_storage_class` names."""
        if self._args is None:
            self._args = make_args(self)
        return self._args

    @args.setter
    def args(self, value):
        self._args = value

    @property
    def scheme(self):
        """`http` or `https`."""
        return self.connection.scheme if self._scheme is None else self._scheme

    @scheme.setter
    def scheme(self, value):
        self._scheme = value

    @property
    def server(self):
        """(host, port) of the socket that took the connection; (path, None) for a Unix socket."""
        if self._server is None and self.connection is not None:
            return self.connection.server
        return self._server

    @server.setter
    def server(self, value):
        self._server = value

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
        if self._remote_addr is None and self.connection is not None:
            remote = self.connection.remote
            return None if remote is None else remote[0]
        return self._remote_addr

    @remote_addr.setter
    def remote_addr(self, value):
        self._remote_addr = value

    @property
    def environ(self):
        """The WSGI environ (PEP 3333), made when it is first asked for."""
        global make_environ
        if self._environ is None and self.head is not None:
            if make_environ is None:
                from kolben.http.environ import make_environ as maker
                make_environ = maker
            self._environ = make_environ(self)
        return self._environ

    @environ.setter
    def environ(self, value):
        self._environ = value

    def _field_items(self):
        """Every field line in order: [(name as sent, value)]."""
        cdef const char *p = PyBytes_AS_STRING(self.head)
        cdef FieldSpan *span
        cdef int i
        items = []
        for i in range(self.span.field_count):
            span = &self.span.fields[i]
            items.append((
                PyUnicode_DecodeASCII(p + span.name, span.name_length, NULL),
                PyUnicode_DecodeLatin1(p + span.value, span.value_length, NULL),
            ))
        return items

    def _wire(self):
        """What only the environ needs: (target, raw path, minor version, content length, chunked, connection, body)."""
        cdef const char *p = PyBytes_AS_STRING(self.head)
        return (
            PyUnicode_DecodeLatin1(p + self.span.target, self.span.target_length, NULL),
            PyBytes_FromStringAndSize(p + self.span.path, self.span.path_length),
            self.span.minor_version,
            self.span.content_length,
            self.span.chunked,
            PyUnicode_DecodeLatin1(p + self.span.authority, self.span.authority_length, NULL),
            self.connection,
            self.body,
        )

    @property
    def is_native(self):
        """Whether it came through Kolben's own server rather than from a WSGI environ."""
        return self.head is not None


cdef object make_headers(RequestBase request):
    global headers_class
    if headers_class is None:
        from kolben.http.headers import RequestHeaders
        headers_class = RequestHeaders
    cdef FieldsBase fields = (<TypeSlots *>headers_class).tp_new(<TypeSlots *>headers_class, NO_ARGS, NULL)
    fields._request = request
    return fields


# ---------------------------------------------------------------- the query string


cdef object make_args(RequestBase request):
    """As urllib's parse_qsl with blank values kept, into Werkzeug's type."""
    cls = request.parameter_storage_class
    if request.head is None or request._query_string is not None or cls is not ImmutableMultiDict:
        return cls(parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="werkzeug.url_quote"))
    if request.span.query_length == 0:
        return EMPTY_ARGS
    args = new_args(cls)
    if parse_query(<dict>args, PyBytes_AS_STRING(request.head) + request.span.query, request.span.query_length) < 0:
        return cls(parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="werkzeug.url_quote"))
    return args


cdef int parse_query(dict into, const char *p, Py_ssize_t n) except -2:
    """Add name=value pairs of p[0:n] to lists in `into`; -1: an escape is no UTF-8, begin again the slow way."""
    cdef const char *end = p + n
    cdef const char *stop
    cdef const char *equals
    cdef list values
    while p < end:
        stop = <const char *>memchr(p, c"&", end - p)
        if stop == NULL:
            stop = end
        if stop > p:
            equals = <const char *>memchr(p, c"=", stop - p)
            if equals == NULL:
                equals = stop
            name = query_text(p, equals - p)
            value = query_text(equals + 1, stop - equals - 1) if equals < stop else ""
            if name is None or value is None:
                return -1
            values = <list>into.get(name)
            if values is None:
                PyDict_SetItem(into, name, [value])
            else:
                values.append(value)
        p = stop + 1
    return 0


cdef object query_text(const char *p, Py_ssize_t n):
    """Decode p[0:n] of a query string; None if an escape is no UTF-8."""
    if n <= 0:
        return ""
    if memchr(p, c"%", n) == NULL:
        if memchr(p, c"+", n) == NULL:
            return PyUnicode_DecodeASCII(p, n, NULL)      # the head's parser lets nothing but visible ASCII through
        return PyUnicode_DecodeASCII(p, n, NULL).replace("+", " ")
    try:
        return unquote_to_bytes(p[:n].replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------- headers


cdef class FieldsBase:

    cdef object find(self, object key):
        """The value for a str key in any case, or None."""
        cdef unsigned char lower[64]
        cdef const unsigned char *name
        cdef Py_ssize_t i, n
        if not isinstance(key, str):
            raise KeyError(key)
        if not PyUnicode_IS_ASCII(key):
            return None                   # a field name is a token (RFC 9110, section 5.1)
        n = PyUnicode_GET_LENGTH(key)
        if n > 64:
            long_name = key.lower().encode("ascii")
            return self._request.field(<const unsigned char *>PyBytes_AS_STRING(long_name), n)
        name = <const unsigned char *>PyUnicode_DATA(key)
        for i in range(n):
            lower[i] = LOWER[name[i]]
        return self._request.field(lower, n)

    def __getitem__(self, key):
        value = self.find(key)
        if value is None:
            raise BadRequestKeyError(key)
        return value

    def get(self, key, default=None, type=None):
        """The value of a field, or `default`; also when `type` raises ValueError or TypeError for it."""
        value = self.find(key)
        if value is None:
            return default
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def __contains__(self, key):
        return self.find(key) is not None

    def __iter__(self):
        """(name, value) in the order of the message; lines of one name joined at the first, as a WSGI environ has them."""
        seen = {}
        for name, value in self._request._field_items():
            name = name.title()
            if name in seen:
                value = f"{seen[name]}; {value}" if name == "Cookie" else f"{seen[name]},{value}"
            seen[name] = value
        return iter(seen.items())

    def __len__(self):
        return sum(1 for _ in self)

    @property
    def environ(self):
        """The environ of the request, as Werkzeug's EnvironHeaders has it."""
        return self._request.environ


from werkzeug.exceptions import BadRequestKeyError

"""Between requests and WSGI environs (PEP 3333), both ways.

An environ is made of a request of our own server only when somebody asks: a WSGI application, an extension, a form with files.
A request is made of an environ for an app that is called as WSGI.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1, PyUnicode_READ_CHAR

from kolben.http._field_names cimport FieldNames
from kolben.http._headers cimport FieldsBase, missing
from kolben.http._message cimport ConnectionInfo
from kolben.http._request cimport RequestBase
from kolben.wire._layout cimport NO_FIELD, FieldSpan, RequestHead

import sys
from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import EnvironHeaders

cdef extern from "Python.h":
    PyObject *PyDict_GetItem(object mapping, object key)      # borrowed; NULL: not there
    PyObject *PyDict_SetDefault(object mapping, object key, object value) except NULL     # borrowed
    bint PyUnicode_IS_ASCII(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    void *PyUnicode_DATA(object text) noexcept
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef tuple NO_ARGS = ()
cdef dict SYSTEM = sys.__dict__          # PERF: `sys.stderr`, which may be exchanged, without a new string per look
cdef str GET = "GET"                      # one object with that of requests: both are interned
cdef object LEFT_OUT = object()          # instead of a variable's name: the field becomes none
cdef frozenset METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])


# ---------------------------------------------------------------- from request to environ

def make_environ(RequestBase request not None):
    """Build the environ.  The body goes with it: `wsgi.input` reads it, and ends where it ends."""
    cdef dict environ = new_environ(request)
    environ["werkzeug.request"] = request
    return environ


cdef dict foreign_environ(RequestBase request):
    environ = request._environ
    if environ is None:
        environ = request._environ = new_environ(request)
        if isinstance(request._headers, FieldsBase):
            request._headers = None
    else:
        environ["werkzeug.request"] = None
    return environ


cdef dict new_environ(RequestBase request):
    cdef ConnectionInfo connection = request.connection
    cdef dict environ
    cdef const char *target
    request.ensure_head()
    errors = SYSTEM.get("stderr")
    if connection.server is not prepared_server or errors is not prepared_errors or connection.scheme != prepared_scheme:
        prepare(connection, errors)
    environ = prepared.copy()
    target = PyBytes_AS_STRING(request.head) + request.span.target
    uri = PyUnicode_DecodeLatin1(target, request.span.target_length, NULL)
    environ["REQUEST_URI"] = uri
    environ["RAW_URI"] = uri
    environ["PATH_INFO"] = uri if is_path_alone(request) else path_info(request)
    method = request.method_text()
    if method is not GET:
        environ["REQUEST_METHOD"] = method
    if request.span.query_length or request._query_string is not None:
        environ["QUERY_STRING"] = query_text(request)
    if request.span.minor_version == 0:
        environ["SERVER_PROTOCOL"] = "HTTP/1.0"
    environ["wsgi.input"] = request._open_body()
    add_remote(environ, connection)
    add_fields(environ, request.head, &request.span)
    if request.span.content_length >= 0:
        environ["CONTENT_LENGTH"] = str(request.span.content_length)
    return environ


# PERF: all that requests of one listener share stands in an environ that is copied; 2,300 instructions a request.
cdef dict prepared = None
cdef object prepared_server = None        # what it was made for; a listener gives all its connections one object
cdef object prepared_scheme = None
cdef object prepared_errors = None


cdef int prepare(ConnectionInfo connection, object errors) except -1:
    """Make an environ for one listener; a Unix socket's server name is its path."""
    global prepared, prepared_server, prepared_scheme, prepared_errors
    cdef dict environ
    host, port = connection.server
    environ = {
        "REQUEST_METHOD": GET,
        "SCRIPT_NAME": "",
        "PATH_INFO": None,
        "QUERY_STRING": "",
        "REQUEST_URI": None,
        "RAW_URI": None,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "kolben",
        "SERVER_NAME": host,
        "SERVER_PORT": "" if port is None else str(port),
        "REMOTE_ADDR": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": connection.scheme,
        "wsgi.input": None,
        "wsgi.input_terminated": True,
        "wsgi.errors": errors,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "werkzeug.request": None,
    }
    # A copy has as much room as what it is of.  With two entries more, the table is the next size, and the fields fit.
    for name in ("", " "):
        environ[name] = None
    for name in ("", " "):
        del environ[name]
    prepared, prepared_server, prepared_scheme, prepared_errors = environ, connection.server, connection.scheme, errors
    return 0


cdef bint is_path_alone(RequestBase request) noexcept:
    """Whether the target is a path and nothing else, and stands as it was sent."""
    return request.span.path == request.span.target and request.span.path_length == request.span.target_length and request.has_plain_path()


cdef object path_info(RequestBase request):
    """The path as latin-1 text of its bytes, decoded once, with one slash at its front."""
    cdef const char *p = PyBytes_AS_STRING(request.head) + request.span.path
    cdef Py_ssize_t n = request.span.path_length
    if n > 0 and not request.span.escaped and p[0] == c"/" and p[1] != c"/":     # bytes have a NUL at their end
        return PyUnicode_DecodeASCII(p, n, NULL)
    return "/" + unquote_to_bytes(p[:n]).decode("latin-1").lstrip("/")


cdef object query_text(RequestBase request):
    if request._query_string is not None:
        return request._query_string.decode("latin-1")
    return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(request.head) + request.span.query, request.span.query_length, NULL)


cdef int add_remote(dict environ, ConnectionInfo connection) except -1:
    remote = connection.remote
    if remote:
        if connection.remote_port is None:
            connection.remote_port = str(remote[1])
        environ["REMOTE_ADDR"] = remote[0]
        environ["REMOTE_PORT"] = connection.remote_port
    return 0


cdef int add_fields(dict environ, bytes head, const RequestHead *span) except -1:
    """SECURITY: a name with an underscore is left out, because "X_Real_Ip" and "X-Real-Ip" would become one variable; so is
    Proxy, which CGI programs take for their own setting (CVE-2016-1000111).
    """
    cdef const char *p = PyBytes_AS_STRING(head)
    cdef const FieldSpan *field
    cdef int i
    for i in range(span.field_count):
        field = &span.fields[i]
        add_field(
            environ,
            VARIABLES.of(<const unsigned char *>p + field.name, field.name_length),
            PyUnicode_DecodeLatin1(p + field.value, field.value_length, NULL),
        )
    if span.authority_length:             # RFC 9112, section 3.2.2: the absolute form wins over Host
        environ["HTTP_HOST"] = PyUnicode_DecodeLatin1(p + span.authority, span.authority_length, NULL)
    return 0


cdef int add_field(dict environ, object name, object value) except -1:
    cdef Py_ssize_t before = len(environ)
    if name is LEFT_OUT:
        return 0
    known = <object>PyDict_SetDefault(environ, name, value)
    if len(environ) == before:            # a second line of one name
        if name == "CONTENT_TYPE" or name == "CONTENT_LENGTH":
            environ[name] = value
        else:
            environ[name] = f"{known}; {value}" if name == "HTTP_COOKIE" else f"{known},{value}"
    return 0


# ---------------------------------------------------------------- names of variables

cdef object variable_name(bytes field):
    cdef str name = field.decode("latin-1")
    if "_" in name or name.lower() == "proxy":
        return LEFT_OUT
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


cdef FieldNames VARIABLES = FieldNames(variable_name)


def fields_environ(FieldsBase fields not None):
    """Make the variables of a request's `headers`, and nothing else."""
    cdef dict environ = {}
    if fields.head is not None:
        add_fields(environ, fields.head, &fields.span)
    return environ


cdef object variable_of(str key):
    """The variable that `headers[key]` means; "_" and "-" are the same there."""
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(key)
    name = LEFT_OUT
    if n and PyUnicode_IS_ASCII(key):
        name = VARIABLES.of(<const unsigned char *>PyUnicode_DATA(key), n)
    if name is LEFT_OUT:
        name = key.upper().replace("-", "_")
        return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    return name


cdef class VariablesBase:
    """The native half of `headers` that read an environ."""

    cdef public object environ

    def __init__(self, environ):
        self.environ = environ

    cdef PyObject *find(self, object key) except? NULL:
        return PyDict_GetItem(self.environ, variable_of(key)) if isinstance(key, str) else NULL

    def __getitem__(self, key):
        cdef PyObject *value = self.find(key)
        if value == NULL:
            raise missing(key)
        return <object>value

    def _get_key(self, key):
        """What Werkzeug's own methods look fields up with."""
        return self[key]

    def get(self, key, default=None, type=None):
        """The value of a field, or `default`; also when `type` raises ValueError for it."""
        cdef PyObject *value = self.find(key)
        if value == NULL:
            return default
        if type is None:
            return <object>value
        try:
            return type(<object>value)
        except ValueError:
            pass
        return default

    def __contains__(self, key):
        return self.find(key) != NULL

    @property
    def _list(self):
        """Where Werkzeug's Headers keep fields; its EnvironHeaders keep none there."""
        return []

    def __reduce__(self):
        """Copies and pickles are Werkzeug's EnvironHeaders."""
        return EnvironHeaders, (self.environ,)


# ---------------------------------------------------------------- from environ to request

cpdef RequestBase request_of(object cls, object environ):
    """Make a request of an environ as Werkzeug's constructor does, without calling it.

    Method, path, query string and addresses are read now, as there; fields and body when they are asked for.
    """
    cdef RequestBase request
    cdef PyObject *value
    if cls is None:
        raise TypeError("request_of: expected a class, got None")
    if not isinstance(environ, dict):
        raise TypeError(f"environ: expected a dict (PEP 3333), got {type(environ).__name__}")
    request = (<TypeSlots *>cls).tp_new(<TypeSlots *>cls, NO_ARGS, NULL)
    request._environ = environ
    method = text_of(environ, "REQUEST_METHOD", "GET")
    request._method = method if method in METHODS else method.upper()
    request._path = path_of(decoded(text_of(environ, "PATH_INFO", "")))
    query = text_of(environ, "QUERY_STRING", "")
    request._query_string = query.encode("latin-1") if query else b""
    root = text_of(environ, "SCRIPT_NAME", "")
    request._root_path = decoded(root).rstrip("/") if root else ""
    request._scheme = text_of(environ, "wsgi.url_scheme", "http")
    value = PyDict_GetItem(environ, "REMOTE_ADDR")
    request.remote_addr = None if value == NULL else <object>value
    request.server = server_of(environ)
    request.span.method_length = PyUnicode_GET_LENGTH(request._method)
    request.span.minor_version = 1
    request.span.content_length = -1
    request.span.content_type = NO_FIELD
    request.span.host = NO_FIELD
    request.span.cookie = NO_FIELD if PyDict_GetItem(environ, "HTTP_COOKIE") == NULL else 0
    environ["werkzeug.request"] = request
    return request


cdef object text_of(object environ, str name, str default):
    cdef PyObject *value = PyDict_GetItem(environ, name)
    return default if value == NULL or <object>value is None else <str?>(<object>value)


cdef object decoded(str text):
    """What WSGI has as latin-1 of the bytes, as UTF-8."""
    return text if PyUnicode_IS_ASCII(text) else text.encode("latin-1").decode("utf-8", "replace")


cdef object path_of(str text):
    if PyUnicode_GET_LENGTH(text) == 1 and PyUnicode_READ_CHAR(text, 0) == c"/":
        return text
    if PyUnicode_GET_LENGTH(text) > 1 and PyUnicode_READ_CHAR(text, 0) == c"/" and PyUnicode_READ_CHAR(text, 1) != c"/":
        return text
    return "/" + text.lstrip("/")


cdef object server_of(object environ):
    cdef PyObject *name = PyDict_GetItem(environ, "SERVER_NAME")
    cdef PyObject *port = PyDict_GetItem(environ, "SERVER_PORT")
    if name == NULL or <object>name is None:
        return None
    try:
        number = None if port == NULL else int(<object>port)
    except (TypeError, ValueError):       # a Unix socket's
        number = None
    return <object>name, number

"""The scope of an HTTP request (ASGI 3, HTTP 2.5)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

from kolben.http._field_names cimport FieldNames
from kolben.http._message cimport ConnectionInfo
from kolben.http._request cimport RequestBase
from kolben.wire._layout cimport FieldSpan

cdef FieldNames LOWER = FieldNames(bytes.lower)

# PERF: one for all requests, as the names of its keys: applications read it.
cdef dict VERSIONS = {"version": "3.0", "spec_version": "2.5"}
# PERF: a copy has room for all of them.
cdef dict CONSTANT = {
    "type": "http", "asgi": VERSIONS, "http_version": "1.1", "method": None, "scheme": None, "path": None, "raw_path": None,
    "query_string": b"", "root_path": "", "headers": None, "client": None, "server": None,
}


cdef dict make_scope(RequestBase request, str root_path, object state):
    cdef dict scope = CONSTANT.copy()
    cdef ConnectionInfo connection = request.connection
    cdef const char *p
    if request.head is None:
        raise TypeError("request: expected one that was made from bytes, got one of a WSGI environ")
    p = PyBytes_AS_STRING(request.head)
    if request.span.minor_version == 0:
        scope["http_version"] = "1.0"
    scope["method"] = request.method_text()
    scope["scheme"] = connection.scheme
    scope["path"] = request.path_text()
    scope["raw_path"] = PyBytes_FromStringAndSize(p + request.span.path, request.span.path_length) if request.span.path_length else b"/"
    if request.span.query_length:
        scope["query_string"] = PyBytes_FromStringAndSize(p + request.span.query, request.span.query_length)
    if root_path:
        scope["root_path"] = root_path
    scope["headers"] = fields_of(request)
    scope["client"] = connection.remote
    scope["server"] = connection.server
    if state is not None:
        scope["state"] = state.copy()
    return scope


cdef list fields_of(RequestBase request):
    """The fields as they came: (name in lower case, value), Host first where the target said it (RFC 9112, section 3.2.2)."""
    cdef const char *p = PyBytes_AS_STRING(request.head)
    cdef const FieldSpan *field
    cdef list fields = []
    cdef int i
    if request.span.authority_length:
        fields.append((b"host", PyBytes_FromStringAndSize(p + request.span.authority, request.span.authority_length)))
    for i in range(request.span.field_count):
        field = &request.span.fields[i]
        name = LOWER.of(<const unsigned char *>p + field.name, field.name_length)
        if request.span.authority_length and name == b"host":
            continue
        fields.append((name, PyBytes_FromStringAndSize(p + field.value, field.value_length)))
    return fields

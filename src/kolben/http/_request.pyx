"""A request's native data: what its message means, and its body.

Werkzeug's names and types stand at the surface: `Request` in request.py has RequestBase as its first base and Werkzeug's
Request as its second, so whatever is not read here or in _message is Werkzeug's own, working on the attributes that are.  Each
property can be assigned, as Werkzeug's constructor does for a request made from a WSGI environ.

Once the environ has been asked for, it is the truth about fields and body, as with Werkzeug: whoever changes it is heard.

Where a native request deliberately differs from Werkzeug's over the same message:

- `method` is as it was sent: methods are case-sensitive (RFC 9110, section 9.1).
- Several Cookie lines are joined by "; ", not by ",", which is no separator of cookies.
- The environ has no HTTP_PROXY (CVE-2016-1000111); `headers` has the field.
- A body longer than `max_content_length` is refused with 413 in the chunked coding, too, where Werkzeug cuts it off, and one
  that is exactly as long is read to its end, not refused at the second read.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint32_t

from kolben.base._alive cimport REQUESTS, counts
from kolben.base._spent cimport give_new_dict, is_spent, own_attributes, references
from kolben.http._headers cimport FieldsBase, copy_spans, find_field, says_json
from kolben.http._loads cimport decode_json
from kolben.http._message cimport ConnectionInfo, Message
from kolben.http._query cimport parse_query
from kolben.wire._head cimport PARTIAL, HeadParser, RequestHead

import json
from urllib.parse import parse_qsl

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.base.errors import RemoteProtocolError
from kolben.http._query import Args
from kolben.http.incoming import NO_BODY, WholeBody

cdef extern from "Python.h":
    PyObject *_PyType_Lookup(PyTypeObject *cls, object name) noexcept
    object PyObject_GenericGetAttr(object o, object name)
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)
        object (*tp_getattro)(object o, object name)
        unsigned int tp_version_tag
    TypeSlots *slots_of "Py_TYPE"(object o)


cdef inline PyObject *found_on(object cls, str name) noexcept:
    """What a class and its bases have under a name, borrowed and as it is: no descriptor is asked."""
    return _PyType_Lookup(<PyTypeObject *>cls, name)


cdef tuple NO_ARGS = ()
cdef object EMPTY_ARGS = Args()                   # immutable, so one for all
cdef tuple NO_JSON = WerkzeugRequest._cached_json
cdef PyObject *plain_is_json = found_on(WerkzeugRequest, "is_json")
cdef PyObject *plain_mimetype = found_on(WerkzeugRequest, "mimetype")
cdef object wants_form = WerkzeugRequest.want_form_data_parsed.fget
cdef object length_of_fields = WerkzeugRequest.content_length.fget


cdef class Setting:

    cdef object read(self, RequestBase request):
        raise NotImplementedError

    def __get__(self, request, owner):
        return self if request is None else self.read(request)


# PERF: to find a name on a class takes 30 instructions, and 900 wherever two names share a place in the interpreter's cache, which is
# chance.  So what was found is remembered for as long as the class is as it was, which a number in it says (tp_version_tag).
cdef struct Findings:
    TypeSlots *cls
    unsigned int version              # of the class, when this was found; 0: nothing was
    bint judges_json                  # nobody replaced what tells a body in JSON
    bint reads_plainly                # nor `get_data`
    bint streams                      # `stream` is request.py's
    bint stores_plainly               # `args` is an ImmutableMultiDict
    PyObject *limit                   # max_content_length, borrowed of the class; NULL: no Setting
    PyObject *json_module             # likewise

cdef Findings findings                # of the class asked for last


cdef Findings *findings_of(RequestBase request) except NULL:
    cdef TypeSlots *cls = slots_of(request)
    if findings.cls != cls or findings.version != cls.tp_version_tag or findings.version == 0:
        find_out(cls, type(request))
    return &findings


cdef int find_out(TypeSlots *slots, object cls) except -1:
    from kolben.http.request import Request
    findings.judges_json = found_on(cls, "is_json") == plain_is_json and found_on(cls, "mimetype") == plain_mimetype
    findings.reads_plainly = found_on(cls, "get_data") == found_on(Request, "get_data") and (
        slots.tp_getattro == PyObject_GenericGetAttr)
    findings.streams = found_on(cls, "stream") == found_on(Request, "stream")
    findings.stores_plainly = slots.tp_getattro == PyObject_GenericGetAttr and (
        found_on(cls, "parameter_storage_class") == <PyObject *>ImmutableMultiDict)
    findings.limit = findings.json_module = NULL
    if slots.tp_getattro == PyObject_GenericGetAttr:
        findings.limit, findings.json_module = setting_or_null(cls, "max_content_length"), setting_or_null(cls, "json_module")
    findings.cls, findings.version = slots, slots.tp_version_tag
    return 0


cdef PyObject *setting_or_null(object cls, str name):
    cdef PyObject *found = found_on(cls, name)
    return found if found != NULL and isinstance(<object>found, Setting) else NULL


cdef class RequestBase(Message):

    def __cinit__(self):
        self.is_counted = True
        counts[REQUESTS] += 1

    def __dealloc__(self):
        if self.is_counted:
            counts[REQUESTS] -= 1

    cdef bint renew(self) except -1:
        if not is_spent(<PyObject *>self, <PyObject *>RequestBase):
            return False
        if self.is_counted:
            self.is_counted = False
            counts[REQUESTS] -= 1
        self.forget()
        self.body = self.url_rule = self._args = self._view_args = self.view_names = self.view_values = None
        if self.cached_data is not None or self.cached_json is not None:
            self.cached_data = self.cached_json = None
        if self.routing_exception is not None or self.own_settings is not None:
            self.routing_exception = self.own_settings = None
        self.shallow = self.has_uploads = False
        give_new_dict(<PyObject *>self)
        return references(<PyObject *>self) == 1          # nor did what it let go of, by its end, take it

    cdef int fill(self, const unsigned char *p, const RequestHead *span, ConnectionInfo connection) except -1:
        if not self.is_counted:
            self.is_counted = True
            counts[REQUESTS] += 1
        return Message.fill(self, p, span, connection)

    @property
    def args(self):
        """The parsed query string: an ImmutableMultiDict, or what `parameter_storage_class` names."""
        if self._args is None:
            self._args = make_args(self)
        return self._args

    @args.setter
    def args(self, value):
        self._args = value

    @args.deleter
    def args(self):
        self._args = None

    @property
    def view_args(self):
        """The values that the rule took from the URL, by name; None where no rule matched."""
        if self._view_args is None and self.view_names is not None:
            self._view_args = dict(zip(self.view_names, self.view_values, strict=True))
        return self._view_args

    @view_args.setter
    def view_args(self, value):
        self._view_args = value
        self.view_names = None

    # ---------------------------------------------------------------- the body

    @property
    def content_length(self):
        """The length of the body in bytes; None where the head does not say it, or says that it comes in chunks.  Werkzeug: same."""
        if self.own_settings is not None and "content_length" in self.own_settings:
            return self.own_settings["content_length"]
        if self.head is None or self._environ is not None or not (self._headers is None or isinstance(self._headers, FieldsBase)):
            return length_of_fields(self)
        return None if self.span.chunked or self.span.content_length < 0 else self.span.content_length

    @content_length.setter
    def content_length(self, value):
        if self.own_settings is None:
            self.own_settings = {}
        self.own_settings["content_length"] = value

    @content_length.deleter
    def content_length(self):
        if self.own_settings is not None:
            self.own_settings.pop("content_length", None)

    @property
    def want_form_data_parsed(self):
        """Whether the body may be a form: a Content-Type came."""
        if self.head is None or self._environ is not None:
            return wants_form(self)
        return bool(find_field(self.head, &self.span, b"content-type", 12))

    def _open_body(self):
        """The body as a file, to be read once; None: the environ has it."""
        if self.head is None or self._environ is not None:
            return None
        if self.body is None or isinstance(self.body, bytes):
            self.body = WholeBody(self.body) if self.body else NO_BODY
        return self.body

    @property
    def _cached_data(self):
        return self.cached_data

    @_cached_data.setter
    def _cached_data(self, value):
        self.cached_data = value

    @property
    def _cached_json(self):
        return NO_JSON if self.cached_json is None else self.cached_json

    @_cached_json.setter
    def _cached_json(self, tuple value):
        self.cached_json = value

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        """The body as bytes, or as text.  Werkzeug: same."""
        cdef bytes data = None if parse_form_data else self.whole_body(cache)
        if data is None:
            return WerkzeugRequest.get_data(self, cache, as_text, parse_form_data)
        return data.decode(errors="replace") if as_text else data

    cdef bytes whole_body(self, bint cache):
        """The body, if it came whole and nothing of it was read; None: Werkzeug has to look."""
        cdef bytes data
        cdef PyObject *setting
        if type(self.body) is not bytes or self._environ is not None or self.shallow or (
                self.cached_data is not None or not findings_of(self).streams):
            return None
        data = self.body
        setting = findings_of(self).limit
        limit = self.max_content_length if setting == NULL else (<Setting>setting).read(self)
        if limit is not None and len(data) > limit:
            raise RequestEntityTooLarge
        self.body = b""                                   # read: `stream` and the environ's input are at their ends
        if cache:
            self.cached_data = data
        return data

    def get_json(self, force=False, silent=False, cache=True):
        """The body, read as JSON.  Werkzeug: same."""
        cdef PyObject *setting
        cdef bytes whole = None
        if not cache or self.cached_json is not None or not (force or is_plainly_json(self)):
            return WerkzeugRequest.get_json(self, force, silent, cache)
        if findings_of(self).reads_plainly and own_attributes(<PyObject *>self) == 0:
            whole = self.whole_body(True)
        data = self.get_data(cache=True) if whole is None else whole
        try:
            setting = findings_of(self).json_module
            module = self.json_module if setting == NULL else (<Setting>setting).read(self)
            value = decode_json(data) if module is json else module.loads(data)
        except ValueError as error:
            value = None if silent else self.on_json_loading_failed(error)
            self.cached_json = (Ellipsis, value) if silent else (value, Ellipsis)
        else:
            self.cached_json = (value, value)
        return value

    # ---------------------------------------------------------------- whole

    @classmethod
    def from_bytes(cls, bytes head not None, body=b"", *, remote=("127.0.0.1", 0), server=("127.0.0.1", 80), str scheme="http"):
        """Make a request from the bytes of its head, as the server does: for tests, tools and other servers.

        The class's constructor is not called.

        Args:
            head: Request line and fields, to the end of the empty line.
            body: What the message carries, out of its chunks: bytes, or a binary file at its start.
            remote: (host, port) of the peer, or None.
            server: (host, port) that took the connection; (path, None) for a Unix socket.
            scheme: `http` or `https`.

        Raises:
            RemoteProtocolError: the head breaks RFC 9112; `status` is what a server answers.
            ValueError: bytes follow the head, or the body is not as long as it says.
        """
        cdef HeadParser parser = HeadParser(0, 0, 0)
        cdef RequestBase request
        cdef ConnectionInfo connection
        cdef uint32_t resume = 0
        cdef Py_ssize_t length = parser.parse(<const unsigned char *>PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head), &resume)
        if length == PARTIAL:
            raise RemoteProtocolError("head: expected an empty line at its end", source="RFC 9112, section 2.1")
        if length != PyBytes_GET_SIZE(head):
            raise ValueError(f"head: expected to end with its empty line, {PyBytes_GET_SIZE(head) - length} bytes follow")
        if isinstance(body, bytes) and not parser.head.chunked and len(body) != max(parser.head.content_length, 0):
            raise ValueError(f"body: expected {max(parser.head.content_length, 0)} bytes, as the head says, got {len(body)}")
        connection = ConnectionInfo.__new__(ConnectionInfo)
        connection.scheme, connection.server, connection._remote = scheme, server, remote
        request = cls.__new__(cls)
        request.fill(<const unsigned char *>PyBytes_AS_STRING(head), &parser.head, connection)
        request.body = body
        return request

    def __copy__(self):
        """A second request over the same message; what one reads of a body that is a file, the other does not see again."""
        cdef RequestBase other = type(self).__new__(type(self))
        if self.head is not None:
            copy_spans(&other.span, other._inline, &self.span)
        other.head, other.connection, other.body = self.head, self.connection, self.body
        other._method, other._path, other._query_string, other._root_path = self._method, self._path, self._query_string, self._root_path
        other._headers, other._args, other._environ = self._headers, self._args, self._environ
        other.cached_data, other.cached_json = self.cached_data, self.cached_json
        other._scheme, other._server, other._remote_addr = self._scheme, self._server, self._remote_addr
        other.url_rule, other.view_args, other.routing_exception = self.url_rule, self.view_args, self.routing_exception
        other.shallow, other.has_uploads = self.shallow, self.has_uploads
        other.own_settings = None if self.own_settings is None else dict(self.own_settings)
        vars(other).update(vars(self))
        return other

    def __reduce__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object: it belongs to its connection")

cdef bint is_plainly_json(RequestBase request) except -1:
    """Whether the Content-Type is application/json and nobody replaced who reads it; False may also mean: not known here."""
    if request.head is None or request._environ is not None or not (request._headers is None or isinstance(request._headers, FieldsBase)):
        return False
    return findings_of(request).judges_json and says_json(request.head, &request.span)


cdef object make_args(RequestBase request):
    """As urllib's parse_qsl with blank values kept, into Werkzeug's type."""
    cdef const char *p = NULL
    cdef Py_ssize_t n = 0
    cdef bint is_plain = findings_of(request).stores_plainly and own_attributes(<PyObject *>request) == 0
    cls = ImmutableMultiDict if is_plain else request.parameter_storage_class
    query = request._query_string
    if query is None:
        request.ensure_head()
        p, n = PyBytes_AS_STRING(request.head) + request.span.query, request.span.query_length
    elif type(query) is bytes and (<bytes>query).isascii():
        p, n = PyBytes_AS_STRING(query), PyBytes_GET_SIZE(query)
    if p != NULL and cls is ImmutableMultiDict:
        if n == 0:
            return EMPTY_ARGS
        args = (<TypeSlots *>Args).tp_new(<TypeSlots *>Args, NO_ARGS, NULL)
        if parse_query(<dict>args, p, n) == 0:
            return args
    return cls(parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="werkzeug.url_quote"))

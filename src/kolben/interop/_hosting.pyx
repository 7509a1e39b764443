"""Somebody else's WSGI application behind our server (PEP 3333)."""

cimport cython
from cpython.object cimport PyObject

from kolben.http._environ cimport foreign_environ
from kolben.http._plan cimport Handler, Plan
from kolben.http._request cimport RequestBase
from kolben.http._response cimport whole_response
from kolben.http._status cimport text_of_status

from functools import partial
from itertools import chain

from werkzeug.datastructures import Headers

from kolben.http.plan import Route
from kolben.http.request import Request
from kolben.http.response import Response

cdef extern from "Python.h":
    ctypedef struct TypeSlots "PyTypeObject":
        object (*tp_new)(TypeSlots *cls, object args, PyObject *kwargs)

cdef enum:
    WHOLE_LIMIT = 64 * 1024   # bytes of an announced length up to which the pieces of an answer are joined and sent at once

cdef tuple NO_ARGS = ()


def list_hosted(Plan plan not None, str prefix not None=""):
    """What is known of an application, as the one route of whatever is under its path."""
    return [Route.of_hosted(plan, prefix)]


cdef object lazy_response(int code, object line, list fields, object body, list on_close):
    headers = (<TypeSlots *>Headers).tp_new(<TypeSlots *>Headers, NO_ARGS, NULL)
    headers._list = fields
    response = (<TypeSlots *>Response).tp_new(<TypeSlots *>Response, NO_ARGS, NULL)
    response.__dict__ = {
        "headers": headers, "response": body, "_status_code": code, "_status": line, "direct_passthrough": True, "_on_close": on_close,
    }
    return response


cdef class WSGIHandler(Handler):
    def __init__(self, application):
        self.request_class = Request
        self.plan = WSGIPlan(application)
        self.routes = partial(list_hosted, self.plan)

    cpdef Plan match(self, RequestBase request):
        return self.plan


cdef class WSGIPlan(Plan):
    def __init__(self, application):
        self.application = application
        self.name = getattr(application, "__name__", None) or type(application).__name__

    cpdef object run(self, RequestBase request):
        cdef StartResponse start = StartResponse.__new__(StartResponse)
        iterable = self.application(foreign_environ(request), start)
        try:
            return start.response(iterable)
        except BaseException:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
            raise


@cython.final
@cython.freelist(8)
cdef class StartResponse:
    """The `start_response` of one request."""

    cdef str status                       # None: not called yet
    cdef list fields
    cdef bint is_sent                     # status and headers are out of our hands
    cdef list written                     # what write() got and nobody has sent; None: it was never called

    def __call__(self, status, headers, exc_info=None):
        """Note status and headers.  A second call needs `exc_info`, and replaces the first as long as nothing is sent."""
        if self.status is not None and exc_info is None:
            raise AssertionError("start_response: expected one call, or exc_info with a further one (PEP 3333)")
        if self.is_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        self.fields = <list>headers if are_fields(headers) else [(<str?>name, <str?>value) for name, value in headers]
        self.status = <str?>status
        return self.write

    def write(self, data):
        """Send a piece before those that the application returns: the way of old applications."""
        if self.written is None:
            self.written = []
        self.written.append(data)

    cdef object response(self, object iterable):
        """Make a response of what was noted and of the body."""
        if isinstance(iterable, (list, tuple)):
            self.ensure_started()
            return self.whole(self.joined(iterable), None)
        pieces = iter(iterable)
        if self.status is None:           # a generator calls start_response when its first piece is asked for
            first = next(pieces, b"")
            pieces = chain([first] if first else [], pieces) if self.written is None else chain([*self.taken(), first], pieces)
        self.ensure_started()
        close = getattr(iterable, "close", None)
        if self.is_short():
            return self.whole(b"".join(self.all_of(pieces)), close)
        code, _ = text_of_status(self.status)
        self.is_sent = True
        return lazy_response(code, self.status, self.fields, self.all_of(pieces), [] if close is None else [close])

    cdef int ensure_started(self) except -1:
        if self.status is None:
            raise AssertionError("start_response: expected a call before the first piece of the body (PEP 3333)")
        return 0

    cdef object joined(self, object pieces):
        if self.written is not None:
            return b"".join([*self.taken(), *pieces])
        return pieces[0] if len(pieces) == 1 and type(pieces[0]) is bytes else b"".join(pieces)

    cdef object whole(self, bytes body, object close):
        self.is_sent = True
        return whole_response(self.status, self.fields, body, close)

    def all_of(self, pieces):
        """Everything in its order: `write` may be called as long as the application iterates."""
        for piece in pieces:
            if self.written is not None:
                yield from self.taken()
            yield piece
        if self.written is not None:
            yield from self.taken()

    cdef list taken(self):
        taken, self.written = self.written, None
        return taken

    cdef bint is_short(self) except -1:
        for name, value in self.fields:
            if len(name) == 14 and name.lower() == "content-length":
                return value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= WHOLE_LIMIT
        return False


cdef bint are_fields(object headers) noexcept:
    """Whether they are what PEP 3333 asks for: then they need not be copied."""
    if type(headers) is not list:
        return False
    for pair in <list>headers:
        if type(pair) is not tuple or len(<tuple>pair) != 2 or type((<tuple>pair)[0]) is not str or type((<tuple>pair)[1]) is not str:
            return False
    return True

"""The WSGI face: an environ becomes a request, its plan's answer becomes status, headers and chunks (PEP 3333).

What happens to a request is the plan's, here as behind our own server.  This face knows the two ends only.
"""

from kolben.http._environ cimport request_of
from kolben.http._plan cimport Handler, Plan
from kolben.http._request cimport RequestBase
from kolben.http._response cimport HTML, JSON, PlainResponse, WholeResponse, is_whole
from kolben.http._status cimport has_no_body, status_text

from werkzeug.wsgi import ClosingIterator

cdef extern from "Python.h":
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef str HTML_TEXT = HTML.decode()
cdef str JSON_TEXT = JSON.decode()


def answer(Handler handler not None, object environ, object start_response):
    """Answer one request.  The teardown has run when this returns, unless a stream still needs the context.

    The request has a contextvars.Context of its own, made from the caller's: nothing in it has to be undone.
    """
    cdef RequestBase request = request_of(handler.request_class, environ)
    cdef Plan plan = handler.match(request)
    if type(request) is not handler.request_class:        # it was exchanged since the last request
        request = request_of(handler.request_class, environ)
        plan = handler.match(request)
    context = PyContext_CopyCurrent()
    PyContext_Enter(context)
    try:
        return start(plan.run(request), request, start_response)
    finally:
        PyContext_Exit(context)


cdef object start(object response, RequestBase request, object start_response):
    """Call `start_response`; return the body's chunks.  What Werkzeug's `__call__` does, where nothing is to be asked or closed."""
    if type(response) is PlainResponse:
        return start_plain(<PlainResponse>response, request, start_response)
    if type(response) is WholeResponse:
        return start_whole(<WholeResponse>response, request, start_response)
    if not is_whole(response):
        if hasattr(response.response, "__aiter__"):
            from kolben.interop.bodies import iterate
            response.response = iterate(response.response)
        return response(request._environ, start_response)
    fields = list(response.headers._list)
    body = response.response
    for name, _ in fields:
        if len(name) == 14 and name.lower() == "content-length":
            break
    else:
        fields.append(("Content-Length", str(len(body[0]))))
    start_response(response._status, fields)
    return () if is_head(request) else [body[0]]


cdef object start_plain(PlainResponse plain, RequestBase request, object start_response):
    cdef object body = (<str>plain.body).encode() if isinstance(plain.body, str) else plain.body
    fields = []
    if plain.content_type is not None:
        fields.append(("Content-Type", text_of(plain.content_type)))
    if has_no_body(plain.status):
        start_response(status_text(plain.status), fields)
        return ()
    fields.append(("Content-Length", str(len(body))))
    start_response(status_text(plain.status), fields)
    return () if is_head(request) else [body]


cdef object start_whole(WholeResponse whole, RequestBase request, object start_response):
    """Pass on what a mounted application said."""
    cdef bint bodyless = has_no_body(whole.status)
    fields = [field for field in whole.fields if not bodyless or (<str>field[0]).lower() != "content-length"]
    if not bodyless and not any([name.lower() == "content-length" for name, _ in fields]):
        fields.append(("Content-Length", str(len(whole.body))))
    start_response(whole.line, fields)
    pieces = () if bodyless or is_head(request) else [whole.body]
    return pieces if whole.closer is None else ClosingIterator(pieces, whole.close)


cdef object text_of(bytes content_type):
    if content_type is HTML:
        return HTML_TEXT
    return JSON_TEXT if content_type is JSON else content_type.decode("latin-1")


cdef bint is_head(RequestBase request):
    return request.span.method_length == 4 and request.method_text() == "HEAD"

"""Somebody else's ASGI application behind our server (ASGI 3, HTTP 2.5).

An application is called in the server's task, as a view is: no queue, no second task.
"""

from kolben.http._plan cimport Handler, Plan, TASK
from kolben.http._request cimport RequestBase
from kolben.interop._asgi_scope cimport make_scope
from kolben.interop._exchange cimport Exchange, new_exchange

import asyncio
from functools import partial

from kolben.http.request import Request
from kolben.interop._hosting import list_hosted
from kolben.interop.asgi import scope_of

cdef enum:
    WHOLE_LIMIT = 64 * 1024   # bytes of a request's body up to which the application is called when it is here


cdef class ASGIHandler(Handler):

    def __init__(self, application, lifespan=None):
        self.request_class = Request
        self.lifespan = lifespan
        self.whole = ASGIPlan(application, lifespan=lifespan)
        self.streaming = ASGIPlan(application, streams=True, lifespan=lifespan)
        self.streaming.go_on_with(self.whole.record)      # one application, one line of figures
        self.routes = partial(list_hosted, self.whole)

    cpdef Plan match(self, RequestBase request):
        if request.span.chunked or request.span.content_length > WHOLE_LIMIT:
            return self.streaming
        return self.whole


cdef class ASGIPlan(Plan):

    def __init__(self, application, *, str root_path="", streams=False, lifespan=None):
        self.mode = TASK
        self.pinned = True
        self.answers_early = True
        self.streams_body = streams
        self.application = application
        self.root_path = root_path
        self.lifespan = lifespan
        self.name = getattr(application, "__name__", None) or type(application).__name__

    cpdef object run_async(self, RequestBase request):
        return self.exchange(request)

    @property
    def state(self):
        """What the application's startup left for its requests; None: nothing."""
        return None if self.lifespan is None else self.lifespan.state

    def exchange(self, RequestBase request not None):
        """Begin a call; its result is the response."""
        cdef Exchange exchange
        if request.head is None:                          # of a WSGI server
            exchange = new_exchange(self.name, request.stream, request.method_text() == "HEAD")
            scope = scope_of(request.environ, self.root_path, self.state)
        else:
            exchange = new_exchange(self.name, request.body, request.is_head_method())
            scope = make_scope(request, self.root_path, self.state)
        exchange.call(self.application, scope)
        return exchange

    cpdef object run(self, RequestBase request):
        """Under somebody else's WSGI server: in a loop of its own, and as a whole."""
        return asyncio.run(self.run_whole(request))

    async def run_whole(self, request):
        """Wait for the answer."""
        return await self.exchange(request)

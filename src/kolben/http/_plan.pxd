"""The map of the two protocols that tie the server to an app it does not know (the lower room owns them)."""

from kolben.http._request cimport RequestBase

cdef enum:
    INLINE = 0            # on the thread that reads the socket, at once
    THREAD = 1            # in the pool
    TASK = 2              # as a task of the event loop


cdef class Plan:
    """All that happens to one request of one endpoint, from its first hook to its last teardown."""

    cdef public int mode              # INLINE, THREAD or TASK
    cdef public bint needs_body       # False: the answer does not depend on it (404, 405, redirects)
    cdef public bint streams_body     # begins at the head, and reads the body while it comes: never inline
    cdef public object name           # for logs: "show_user", "404"

    cpdef object run(self, RequestBase request)
    cpdef object run_async(self, RequestBase request)


cdef class Handler:
    """What the server, WSGI, ASGI and the test client all ask."""

    cdef public type request_class    # RequestBase or a subclass whose constructor is Werkzeug's

    cpdef Plan match(self, RequestBase request)

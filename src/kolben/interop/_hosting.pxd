"""The map of somebody else's WSGI application behind our server."""

from kolben.http._plan cimport Handler, Plan


# Makes a Response of parts that are right already, without its constructor; its body is to be iterated over.
cdef object lazy_response(int code, object line, list fields, object body, list on_close)


cdef class WSGIHandler(Handler):
    """One plan for every request: a WSGI application finds its way itself."""

    cdef Plan plan


cdef class WSGIPlan(Plan):
    """Calls a WSGI application with the environ of a request."""

    cdef object application

"""The map of somebody else's ASGI application behind our server."""

from kolben.http._plan cimport Handler, Plan


cdef class ASGIHandler(Handler):
    """One plan for every request, but for those whose body is not waited for."""

    cdef Plan whole
    cdef Plan streaming


cdef class ASGIPlan(Plan):
    """Calls an ASGI application with the scope of a request."""

    cdef readonly object application
    cdef readonly str root_path
    cdef object lifespan              # whose `state` the scopes have; None: there is none

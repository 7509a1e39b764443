"""The map of the way between requests and WSGI environs."""

from kolben.http._request cimport RequestBase
from kolben.wire._layout cimport RequestHead


# Adds the fields of `head` as HTTP_ variables.
cdef int add_fields(dict environ, bytes head, const RequestHead *span) except -1

# The environ of a request for an application of somebody else's: nothing in it leads to the request.
cdef dict foreign_environ(RequestBase request)

# A request of an environ, made without its class's constructor; it shares the environ.
cpdef RequestBase request_of(object cls, object environ)

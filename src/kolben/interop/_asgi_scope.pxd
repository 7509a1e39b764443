"""The map of the way from requests to ASGI scopes."""

from kolben.http._request cimport RequestBase


# The scope of an HTTP request for an application under `root_path`; `state` is of its lifespan, or None.
cdef dict make_scope(RequestBase request, str root_path, object state)

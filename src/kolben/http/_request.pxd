"""The map of a request's native data: its body, and what was asked for so far."""

from kolben.http._message cimport ConnectionInfo, Message
from kolben.wire._head cimport RequestHead


cdef class RequestBase(Message):
    """Owns the message; materialises what is asked for, once."""

    cdef bint is_counted                  # among the living
    cdef object body                      # bytes, a file at where reading goes on, or None; given away with the environ
    cdef object _args
    cdef object cached_data               # Werkzeug's _cached_data and _cached_json; None: not set
    cdef tuple cached_json
    cdef public object url_rule
    cdef object _view_args                # a dict, or None where the next two say it
    cdef tuple view_names                 # of what the rule took from the URL
    cdef list view_values
    cdef public object routing_exception
    cdef dict own_settings                # name -> what was set on this request alone; None: nothing was
    cdef public bint shallow
    cdef public bint has_uploads          # files that `close` closes

    # Become as new, for the one who has the only reference to it; False: it cannot, and is to be dropped.
    cdef bint renew(self) except -1
    cdef bytes whole_body(self, bint cache)


cdef class Setting:
    """An attribute of requests that says what their app is set to: a descriptor, which is asked without the look-up of attributes."""

    cdef object read(self, RequestBase request)

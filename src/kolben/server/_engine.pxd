"""The map of what the connections of one worker share."""

from libc.stdint cimport int64_t

from kolben.http._plan cimport Handler
from kolben.http._response cimport Outgoing
from kolben.net._buffer cimport BlockPool
from kolben.server._reactor cimport Reactor
from kolben.server._tasks cimport TaskStarter
from kolben.wire._head cimport HeadParser
from kolben.wire._writer cimport Output

cdef enum:
    READ_SIZE = 65536         # bytes of one recv


cdef class Engine:
    """What the connections of one worker share.  One thread."""

    cdef readonly Reactor reactor
    cdef Handler handler
    cdef type request_class
    cdef HeadParser parser
    cdef Output output                # empty between two steps: it is of the connection whose step it is
    cdef Outgoing outgoing
    cdef readonly BlockPool blocks
    cdef unsigned char *read_buffer   # READ_SIZE bytes, likewise
    cdef readonly object spool_quota  # SpoolQuota of bodies.py
    cdef object executor              # Executor of execution.py
    cdef object base_context          # contextvars.Context that every request's is a copy of
    cdef TaskStarter starter
    cdef readonly object limits
    cdef int64_t body_limit, body_memory, output_limit, lingering_limit, chunk_overhead, request_limit, connection_limit
    cdef int64_t first_byte, head, body_idle, body_grace, write, keep_alive, lingering     # milliseconds; 0: none
    cdef double body_rate             # bytes a second
    cdef public object access_log         # (remote, request, status) -> None, or None: nothing is noted
    cdef public bint draining         # stopping: every answer says close
    cdef readonly Py_ssize_t active, accepted, requests, refused

    cdef int set_limits(self, object limits) except -1
    cdef int set_timeouts(self, object timeouts) except -1

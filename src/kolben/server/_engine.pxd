"""The map of what the connections of one worker share."""

from libc.stdint cimport int64_t

from kolben.http._plan cimport Handler
from kolben.http._message cimport ConnectionInfo
from kolben.http._request cimport RequestBase
from kolben.http._outgoing cimport Outgoing
from kolben.http._scope cimport Contexts
from kolben.net._buffer cimport BlockPool
from kolben.server._backlog cimport Backlog
from kolben.server._reactor cimport Reactor
from kolben.server._tasks cimport TaskStarter
from kolben.wire._head cimport HeadParser
from kolben.wire._writer cimport Output

cdef enum:
    READ_SIZE = 65536         # bytes of one recv
    PLACE_SIZE = 64           # bytes


cdef class Engine:
    """What the connections of one worker share.  For whoever holds the lease."""

    cdef readonly Reactor reactor
    cdef Handler handler
    cdef object request_class
    cdef RequestBase spent_request    # to be used again; None: there is none
    cdef HeadParser parser
    cdef Output output                # empty between two steps: it is of the connection whose step it is
    cdef Outgoing outgoing
    cdef readonly BlockPool blocks
    cdef unsigned char *read_buffer   # READ_SIZE bytes, likewise
    cdef unsigned char *spare_buffer  # as many; no page of it is touched before the first rescue
    cdef readonly object spool_quota  # SpoolQuota of bodies.py
    cdef object executor              # Executor of execution.py
    cdef readonly Backlog backlog     # of requests that wait for it,
    cdef readonly Py_ssize_t waiting  # as many,
    cdef Py_ssize_t thread_limit      # for so many threads
    cdef object base_context          # contextvars.Context that every request's is a copy of
    cdef Contexts contexts            # that inline calls run in
    cdef TaskStarter starter
    cdef readonly object limits
    cdef int64_t body_limit, body_memory, output_limit, lingering_limit, chunk_overhead, request_limit, connection_limit
    cdef int64_t first_byte, head, body_idle, body_grace, write, keep_alive, lingering     # milliseconds; 0: none
    cdef int64_t address_limit        # connections of one peer; 0: any number
    cdef dict addresses               # key of a peer: its connections
    cdef public object exempt         # whose connections are not counted: `host in exempt`
    cdef double body_rate             # bytes a second
    cdef public object access_log         # AccessLog of access.py, or None: nothing is noted
    cdef char *place                      # PLACE_SIZE bytes that others read: the name of the plan that was begun last; NULL: nobody asks
    cdef int64_t *open_now                # where other workers read `active`; NULL: there are none
    cdef object place_owner, open_owner
    cdef public bint draining         # stopping: every answer says close
    cdef double view                      # seconds that a plan may take; 0: any time
    cdef readonly Py_ssize_t active, accepted, requests, refused
    cdef readonly Py_ssize_t expired      # plans whose time was over,
    cdef readonly Py_ssize_t stuck        # of these, what could not be stopped and still runs, and
    cdef readonly Py_ssize_t late         # what has brought an answer since, which was dropped

    cdef int exchange_buffers(self) noexcept      # at a rescue: the late call's frames still point into the present one
    cdef int set_limits(self, object limits) except -1
    cdef bint admit(self, bytes key, ConnectionInfo info) except -1
    cdef int discount(self, bytes key) except -1
    cdef int set_timeouts(self, object timeouts) except -1

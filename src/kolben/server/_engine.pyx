"""What the connections of one worker share: the parser, the buffers that are only used within a step, limits, counters."""

import contextvars

from cpython.mem cimport PyMem_Free, PyMem_Malloc
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

from kolben.base.limits import Limits, Timeouts
from kolben.server.bodies import SpoolQuota

cdef enum:
    BLOCK_SIZE = 16384    # bytes; a longer leftover gets a block of its own size
    BLOCKS_KEPT = 64


LOOP_TARGET = 0.05            # seconds: while it is behind
LOOP_PATIENCE = 2.0           # seconds: nothing blocks the loop for long, so such a wait is its load
LOOPBACK = frozenset({"127.0.0.1", "::1"})


cdef inline int64_t milliseconds(object seconds) except -1:
    return <int64_t>(seconds * 1000)


cdef class Engine:

    def __cinit__(self):
        self.read_buffer = <unsigned char *>PyMem_Malloc(READ_SIZE)
        self.spare_buffer = <unsigned char *>PyMem_Malloc(READ_SIZE)
        if self.read_buffer == NULL or self.spare_buffer == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.read_buffer)
        PyMem_Free(self.spare_buffer)

    cdef int exchange_buffers(self) noexcept:
        # Two are enough: when the next call begins, the frames of the late one are gone.
        self.read_buffer, self.spare_buffer = self.spare_buffer, self.read_buffer
        return 0

    def __init__(
        self, Reactor reactor not None, Handler handler not None, executor, TaskStarter starter not None, *, limits=None, timeouts=None,
    ):
        if not issubclass(handler.request_class, RequestBase):
            raise TypeError(f"request_class: expected a subclass of kolben.http.Request, got {handler.request_class!r}")
        self.reactor = reactor
        self.handler = handler
        self.request_class = handler.request_class
        self.executor = executor
        self.starter = starter
        self.base_context = contextvars.copy_context()
        self.contexts = Contexts(self.base_context)
        self.output = Output()
        self.outgoing = Outgoing()
        self.blocks = BlockPool(BLOCK_SIZE, BLOCKS_KEPT)
        self.addresses = {}
        self.exempt = LOOPBACK
        self.set_limits(limits or Limits())
        self.set_timeouts(timeouts or Timeouts())

    def show_active(self, int64_t[::1] memory not None):
        """Keep `active` up to date in `memory`, too."""
        self.open_owner = memory
        self.open_now = &memory[0]

    def note_places(self, unsigned char[::1] memory not None):
        """Write the name of each plan that is begun into `memory`, which outlives this process."""
        if memory.shape[0] < PLACE_SIZE:
            raise ValueError(f"expected {PLACE_SIZE} bytes, got {memory.shape[0]}")
        self.place_owner = memory
        self.place = <char *>&memory[0]

    cdef int set_limits(self, object limits) except -1:
        self.limits = limits
        self.parser = HeadParser(limits.request_line, limits.head, limits.field_count)
        self.body_limit = limits.body or 0
        self.body_memory = limits.body_memory
        self.spool_quota = SpoolQuota(limits.spool)
        self.output_limit = limits.output
        self.lingering_limit = limits.lingering
        self.chunk_overhead = limits.head
        self.request_limit = limits.requests_per_connection
        self.connection_limit = limits.connections
        self.thread_limit = limits.threads
        self.address_limit = limits.connections_per_address
        return 0

    cdef bint admit(self, bytes key, ConnectionInfo info) except -1:
        """Count one more connection of a peer; False if it has too many."""
        cdef int64_t count = self.addresses.get(key, 0)
        if count >= self.address_limit and info.remote[0] not in self.exempt:
            return False
        self.addresses[key] = count + 1
        return True

    cdef int discount(self, bytes key) except -1:
        """One connection of a peer is closed."""
        cdef int64_t count = self.addresses[key]
        if count > 1:
            self.addresses[key] = count - 1
        else:
            del self.addresses[key]
        return 0

    cdef int set_timeouts(self, object timeouts) except -1:
        self.first_byte = milliseconds(timeouts.first_byte)
        self.head = milliseconds(timeouts.head)
        self.body_idle = milliseconds(timeouts.body)
        self.body_grace = milliseconds(timeouts.body_grace)
        self.body_rate = timeouts.body_rate
        self.view = timeouts.view
        self.write = milliseconds(timeouts.write)
        self.keep_alive = milliseconds(timeouts.keep_alive)
        self.lingering = milliseconds(timeouts.lingering)
        self.backlog = Backlog("a thread", timeouts.queue, timeouts.queue)
        self.reactor.backlog = Backlog("their turn", min(timeouts.queue, LOOP_PATIENCE), LOOP_TARGET)
        return 0

"""What one peer says: heads, and what follows them.

The main road of a small request is receive → take → take_head → serve; what a body's bytes are is _body's to know.  Nothing here waits,
and nothing is read that nobody wants now: it stays in the kernel.
"""

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING
from libc.string cimport memcpy

from kolben.net._buffer cimport Block
from kolben.server._body cimport BodyReceiver, CLOSED, LINGERING, OPEN, READING_BODY, READING_HEAD
from kolben.server._engine cimport Engine, READ_SIZE
from kolben.net._socket cimport EAGAIN, EWOULDBLOCK, errno, recv, recv2
from kolben.wire._head cimport PARTIAL

from kolben.base.errors import ProtocolError

cdef enum:                    # bytes
    READ_FIRST = 16384        # of a recv where a head is expected: what follows it is better read to where it belongs, when that is known


@cython.no_gc_clear       # as what is made of it: its block is given back to an object that it refers to
cdef class Receiver(BodyReceiver):

    # ------------------------------------------------ reading

    cdef bint is_reading(self) noexcept:
        """Whether bytes from the peer are wanted now."""
        return self.phase <= READING_BODY or self.phase == LINGERING or (self.incoming is not None and self.incoming_has_room)

    cdef int receive(self) except -1:
        """Read until the kernel has no more, or what came has to be worked on first."""
        cdef Engine engine = self.engine
        cdef unsigned char *p
        cdef unsigned char *behind = NULL                 # what follows a body that is read to its own memory
        cdef Py_ssize_t n, room, used, rest = 0
        cdef int reads = 0
        while self.readable and (self.phase <= READING_BODY or self.is_reading()) and not self.in_ready:
            if self.phase == READING_HEAD and self.pending is not None:
                break                                     # an answer is not taken yet: no new requests
            if reads == READS_PER_STEP:
                engine.reactor.schedule(self)
                break
            reads += 1
            if self.phase == READING_BODY and self.whole is not None and self.input == NULL:
                p = <unsigned char *>PyBytes_AS_STRING(self.whole) + self.body_received
                room = self.body_left + READ_FIRST
                behind = engine.read_buffer
            elif self.input == NULL:
                p = engine.read_buffer
                room = READ_FIRST if self.phase == READING_HEAD else READ_SIZE
            else:
                self.input = engine.blocks.reserve(self.input, 4096)
                p = self.input.data + self.input.end
                room = self.input.capacity - self.input.end
            if behind == NULL:
                n = recv(self.fd, p, room)
            else:
                # PERF: so the last piece of a body is a short read, and no further one has to tell that the socket is drained.
                n = recv2(self.fd, p, room - READ_FIRST, behind, READ_FIRST)
                rest = n - (room - READ_FIRST)
            if n <= 0:
                if n == 0:
                    self.readable = False
                    self.on_eof()
                elif errno == EAGAIN or errno == EWOULDBLOCK:
                    self.readable = False
                else:
                    self.close()                          # ECONNRESET and its kind: a normal end
                break
            if n < room and not self.peer_closed:
                self.readable = False                     # a short read drained the socket; the next byte is a new edge
            if behind != NULL:
                self.take(p, n - max(rest, 0))
                p, n, behind = behind, rest, NULL
            if self.input == NULL and n > 0 and self.fd >= 0:
                used = self.take(p, n)
                if used < n and self.fd >= 0:
                    self.keep(p + used, n - used)
            elif self.input != NULL:
                self.input.end += n
                self.take_input()
        return self.flush_with_batch() if self.fd >= 0 else 0

    cdef int keep(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Copy what was not used out of the engine's buffer."""
        self.input = self.engine.blocks.take(n)
        memcpy(self.input.data, p, n)
        self.input.end = n
        return 0

    cdef int take_input(self) except -1:
        """Use what was kept; give the block back when it is empty."""
        cdef Block *block = self.input
        self.input = NULL                                 # so that a close in the middle does not free it under the parser
        try:
            block.start += self.take(block.data + block.start, block.end - block.start)
        finally:
            if self.fd >= 0 and block.start < block.end:
                self.input = block
            else:
                self.engine.blocks.give(block)
        return 0

    cdef int advance(self) except -1:
        """Go on after a pause: first with what was kept, then with what the kernel has."""
        if self.fd >= 0 and self.input != NULL and self.is_reading():
            self.take_input()
        if self.fd >= 0 and self.readable:
            return self.receive()
        if self.fd >= 0:
            self.flush()
        return 0

    cdef int on_eof(self) except -1:
        """The peer shut its sending side.  What it asked for, it still gets."""
        self.peer_closed = True
        self.flush()                                      # answers to what it sent before
        if self.fd < 0:
            return 0
        if self.pending is None or self.incoming is not None:
            return self.close()
        self.phase = LINGERING                            # until they are sent
        self.ending = True
        if self.abandoned:
            return 0                                      # somebody still works with both
        self.drop_spool()
        return self.release()

    cdef Py_ssize_t take(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Use bytes from the peer; return how many.  The rest waits for the present answer, or for more bytes."""
        cdef Py_ssize_t used = 0
        cdef Py_ssize_t now
        cdef int heads = 0
        try:
            while used < n:
                if self.phase == READING_HEAD:
                    if self.pending is not None:
                        break
                    if heads == REQUESTS_PER_STEP:
                        self.engine.reactor.schedule(self)
                        break
                    heads += 1
                    now = self.take_head(p + used, n - used)
                    if now == 0:
                        break
                elif self.phase == READING_BODY:
                    now = self.take_body(p + used, n - used)
                elif self.phase == LINGERING:
                    self.lingered += n - used
                    if self.lingered > self.engine.lingering_limit:
                        self.close()
                    return n
                elif self.incoming is not None and self.incoming_has_room:
                    now = self.take_body(p + used, n - used)
                else:
                    break
                used += now
        except ProtocolError as error:
            self.refuse_body(error.status, str(error))
            used = n
        return used if self.phase != CLOSED else n

    cdef Py_ssize_t take_head(self, const unsigned char *p, Py_ssize_t n) except -1:
        """Parse a head and begin its request; 0 if it is not complete."""
        cdef Py_ssize_t used = self.engine.parser.parse(p, n, &self.resume)
        if used == PARTIAL:
            if not self.head_started:
                self.set_deadline(self.engine.head)
            self.head_started = True
            return 0
        self.resume = 0
        self.head_started = False
        self.follows = used < n
        self.serve(OPEN, p, None)
        return used

"""What is said to one peer: sent at once if the kernel takes it, else kept, with a deadline, until it does.

Knows bytes, not answers.  The engine's output is of the connection whose step it is, and empty when that step ends.
"""

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t

from kolben.server._watched cimport Watched
from kolben.net._socket cimport EAGAIN, EWOULDBLOCK, errno, reset_on_close, send, send2, unsent
from kolben.wire._writer cimport Output


cdef int view_of(object data, const unsigned char **p, Py_ssize_t *n) except -1:
    """Borrow the memory of bytes, or of a str as UTF-8."""
    if isinstance(data, bytes):
        p[0] = <const unsigned char *>PyBytes_AS_STRING(data)
        n[0] = PyBytes_GET_SIZE(data)
    else:
        p[0] = <const unsigned char *>PyUnicode_AsUTF8AndSize(data, n)
    return 0


@cython.no_gc_clear       # as what it is made of, and what is made of it
cdef class Sender(Watched):

    cdef int on_drained(self) except -1:
        return 0

    cdef int close(self) except -1:
        return 0

    cdef int abort(self) except -1:
        """Close so that the peer sees a failure: what it has of the answer must not look whole."""
        if self.fd >= 0:
            reset_on_close(self.fd)
        return self.close()

    # ------------------------------------------------ deadlines

    cdef int set_deadline(self, int64_t delay) except -1:
        """Have on_timer() called after `delay` milliseconds instead of what was set before; 0: never.  And when a plan expires."""
        cdef int64_t left
        if self.expires:
            left = max(1, self.expires - self.engine.reactor.now)
            delay = min(delay, left) if delay else left
        if delay:
            return self.engine.reactor.set_timer(self, delay)
        return self.engine.reactor.clear_timer(self)

    cdef int set_write_deadline(self) except -1:
        self.unsent = unsent(self.fd)
        return self.set_deadline(self.engine.write)

    # ------------------------------------------------ output

    cdef int send_body(self, object body) except -1:
        """Put a body behind what the output holds: copied if it is small, else sent from where it is."""
        cdef Output output = self.engine.output
        cdef const unsigned char *p
        cdef Py_ssize_t n, sent, head = output.length
        view_of(body, &p, &n)
        if n <= COPY_LIMIT:
            output.write(p, n)
            if output.length > self.engine.output_limit:
                self.flush()
            return 0
        if self.is_deferred:
            self.engine.reactor.send_deferred()
        if self.fd < 0:
            return 0
        if self.pending is not None:
            self.flush()
            return self.hold(body, 0)
        self.engine.reactor._present_is_new = False
        sent = send2(self.fd, output.data, head, p, n)
        if sent < 0:
            if errno != EAGAIN and errno != EWOULDBLOCK:
                output.length = 0
                return self.abort()
            sent = 0
        output.length = 0
        if sent < head:
            self.hold(PyBytes_FromStringAndSize(<const char *>output.data, head), sent)
            sent = head
        if sent < head + n:
            self.hold(body, sent - head)
        return 0

    cdef int hold(self, object data, Py_ssize_t offset) except -1:
        """Keep output for when the kernel takes more."""
        cdef const unsigned char *p
        cdef Py_ssize_t n
        view_of(data, &p, &n)
        if self.pending is None:
            self.pending = []
            self.pending_offset = offset
            self.set_write_deadline()
            n -= offset
        self.pending.append(data)
        self.pending_size += n
        return 0

    cdef int flush(self) except -1:
        """Send what the engine's output holds; it is empty afterwards, whatever happens."""
        cdef Output output = self.engine.output
        cdef Py_ssize_t n = output.length
        if self.is_deferred:
            self.engine.reactor.send_deferred()           # what came before goes before
        if n == 0:
            return 0
        output.length = 0
        return self.send_now(output.data, n) if self.fd >= 0 else 0

    cdef int flush_with_batch(self) except -1:
        """Send what the engine's output holds, together with the other answers of the reactor's batch if it is small."""
        cdef Output output = self.engine.output
        if output.length and self.pending is None and not self.is_deferred and (
                self.engine.reactor.defer(self, output.data, output.length)):
            output.length = 0
            return 0
        return self.flush()

    cdef int send_now(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef Py_ssize_t sent
        if self.pending is not None:
            return self.hold(PyBytes_FromStringAndSize(<const char *>p, n), 0)
        self.engine.reactor._present_is_new = False
        sent = send(self.fd, p, n)
        if sent == n:
            return 0
        if sent < 0:
            if errno != EAGAIN and errno != EWOULDBLOCK:
                return self.abort()
            sent = 0
        return self.hold(PyBytes_FromStringAndSize(<const char *>p, n), sent)

    cdef int flush_pending(self) except -1:
        """The kernel takes more."""
        cdef const unsigned char *p
        cdef Py_ssize_t n, sent
        cdef Py_ssize_t index = 0
        cdef bint progress = False
        while index < len(self.pending):
            view_of(self.pending[index], &p, &n)
            sent = send(self.fd, p + self.pending_offset, n - self.pending_offset)
            if sent < 0:
                if errno != EAGAIN and errno != EWOULDBLOCK:
                    return self.abort()
                break
            progress = True
            self.pending_offset += sent
            self.pending_size -= sent
            if self.pending_offset < n:
                if sent == 0:
                    break
                continue
            self.pending_offset = 0
            index += 1
        del self.pending[:index]
        if self.pending:
            if progress:                                  # the deadline begins anew
                self.set_write_deadline()
        else:
            self.pending = None
            self.on_drained()
        if self.fd >= 0 and self.stream is not None and self.pending_size <= self.engine.output_limit:
            self.stream.resume()
        return 0

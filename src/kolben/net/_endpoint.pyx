"""Sockets that tasks wait on, and the calls that may have to wait.

What makes an awaited call cheap: an Operation is awaited without a coroutine.  It tries its system call when the task steps onto it, and
gives the result by C's `am_send`, without an exception.  Only if it has to wait it yields a Waiter (_waiter).

Refuses to know what the bytes are.

Invariants: events are edge-triggered, so an endpoint remembers in `readable` that its last receive was not short.
"""

import collections.abc
import warnings

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t

from kolben.base.time import milliseconds
from kolben.net import errors
from kolben.net._hub cimport Hub, PREFETCHED, current_hub
from kolben.net._poller cimport FAILED, PEER_CLOSED, READABLE, WRITABLE
from kolben.net._socket cimport c_close
from kolben.net._timers cimport Timer
from kolben.net._waiter cimport Waiter, WAITING, WOKEN, new_waiter

cdef extern from *:
    """
    typedef PyObject *(*kn_advance_function)(PyObject *);
    static kn_advance_function kn_advance;
    static PyTypeObject *kn_waiter;

    /* What `await` calls where it can (PEP 525's successor, tp_as_async->am_send): a result without StopIteration. */
    static PySendResult kn_am_send(PyObject *self, PyObject *value, PyObject **result) {
        (void)value;
        *result = kn_advance(self);
        if (*result == NULL) return PYGEN_ERROR;
        return Py_TYPE(*result) == kn_waiter ? PYGEN_NEXT : PYGEN_RETURN;
    }

    static void kn_prepare(PyObject *type) {
        static PyAsyncMethods alone = {.am_send = kn_am_send};
        PyTypeObject *t = (PyTypeObject *)type;
        if (t->tp_as_async == NULL) t->tp_as_async = &alone;
        t->tp_as_async->am_send = kn_am_send;
    }

    static void kn_set(void *advance, PyObject *waiter) {
        kn_advance = (kn_advance_function)advance;
        kn_waiter = (PyTypeObject *)waiter;
    }
    """
    void prepare_type "kn_prepare"(object type)
    void set_protocol "kn_set"(void *advance, object waiter)


WAIT = object()


cdef object os_error(int code, object what):
    return errors.stream_error(code, what)


cdef object advance_operation(Operation operation):
    return operation.advance()


cdef class Endpoint:

    def __cinit__(self, *args, **kwargs):
        self.fd = -1
        self.read_timer.owner = self.write_timer.owner = <void *>self
        self.writers = []

    def __dealloc__(self):
        if self._timers is not None:          # not the hub's: the collector may have cleared the hub before
            self._timers.clear(&self.read_timer)
            self._timers.clear(&self.write_timer)
        if self.fd >= 0:
            c_close(self.fd)

    def __del__(self):
        if self.fd >= 0:
            try:
                warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            finally:
                self.release()

    cdef int open(self, int fd) except -1:
        """Take a descriptor, which must not block."""
        self.hub = current_hub()
        self._timers = self.hub.timers
        self.fd = fd
        self.readable = self.writable = True
        try:
            self.hub.watch(self)
        except BaseException:
            self.fd = -1
            raise
        return 0

    cdef int take(self, object sock) except -1:
        """Own the descriptor of a socket from now on; it is closed if that fails."""
        sock.setblocking(False)
        try:
            self.open(sock.fileno())
        except BaseException:
            sock.close()
            raise
        sock.detach()
        return 0

    cdef int hold(self) noexcept:
        self.held += 1
        Py_INCREF(self)
        return 0

    cdef int let_go(self) noexcept:
        self.held -= 1
        Py_DECREF(self)
        return 0

    # ------------------------------------------------ what happens

    cdef int on_event(self, int flags) except -1:
        if flags & (PEER_CLOSED | FAILED):
            self.ended = True
        if flags & (READABLE | PEER_CLOSED | FAILED):
            self.readable = True
        if flags & (WRITABLE | FAILED):
            self.writable = True
        if self.in_ready:
            return 0                  # it had its turn: the rest is for the next
        if flags & PREFETCHED:
            self.on_readable()
        else:
            self.streak = 0
            if self.readable:
                self.on_readable()
        if self.writable and self.fd >= 0:
            self.on_writable()
        return 0

    cdef int prefetch(self, int flags) except -1:
        if self.reader is None or self.in_ready or not flags & READABLE or flags & (PEER_CLOSED | FAILED):
            return flags
        self.readable = True
        self.streak = 0
        return flags & ~READABLE | PREFETCHED if self.reader.prefetch() else flags

    cdef int on_turn(self) except -1:
        self.streak = 0
        self.on_readable()
        return self.on_writable()

    cdef int on_readable(self) except -1:
        return self.wake_reader(True)

    cdef int on_writable(self) except -1:
        return self.wake_writers(True)

    cdef int on_time(self, Timer *timer) except -1:
        cdef Operation writer
        if timer == &self.read_timer:
            if self.reader is not None:
                self.reader.is_late = True
                self.wake_reader(True)
            return 0
        for writer in list(self.writers):
            if 0 < writer.due <= self.hub.now and writer.waiter is not None:
                writer.is_late = True
                self.writers.remove(writer)
                self.let_go()
                writer.waiter.wake(True)
        return self.set_write_timer()

    cdef int release(self) except -1:
        cdef int fd = self.fd
        if fd < 0:
            return 0
        self.hub.forget(self)
        self.fd = -1
        c_close(fd)
        if self.spare is not None:
            self.spare.forget_methods()
            self.spare = None
        self.wake_reader(False)
        self.wake_writers(False)
        return 0

    cdef int on_loop_end(self) except -1:
        """Nobody will be woken any more."""
        self.reader = None
        self.writers = []
        while self.held:
            self.let_go()
        return 0

    # ------------------------------------------------ who waits

    cdef int wake_reader(self, bint at_once) except -1:
        cdef Waiter waiter
        if self.reader is None:
            return 0
        waiter, self.reader = self.reader.waiter, None        # and no more of it, or the task's next receive could not use it again
        self.hub.timers.clear(&self.read_timer)
        self.let_go()
        return waiter.wake(at_once)

    cdef int wake_writers(self, bint at_once) except -1:
        cdef Operation writer
        cdef list writers = self.writers
        if not writers:
            return 0
        self.writers = []
        self.hub.timers.clear(&self.write_timer)
        for _ in writers:
            self.let_go()
        for writer in writers:
            writer.waiter.wake(at_once)
        return 0

    cdef int set_write_timer(self) except -1:
        cdef Operation writer
        cdef int64_t due = 0
        for writer in self.writers:
            if writer.due and (not due or writer.due < due):
                due = writer.due
        if due:
            self.hub.set_timer(&self.write_timer, due)
        return 0

    cdef bint may_go_on(self) except -1:
        self.streak += 1
        if self.streak <= STREAK:
            return True
        self.hub.go_on(self)
        return False

    cdef int64_t timeout_of(self, object timeout) except -2:
        if timeout is None:
            timeout = self.timeout
            if timeout is None:
                return NEVER
        return milliseconds(timeout)

    cdef object describe(self, Operation operation):
        return f"{self!r} was not ready"

    cdef int ensure_open(self) except -1:
        if self.fd < 0:
            raise errors.ClosedError(f"{self!r}: it is used after it was closed")
        return 0

    def fileno(self):
        """Its descriptor; -1 once closed.  What was sent before is in the kernel's hands, or waits for it to have room."""
        self.uncork()
        return self.fd

    def wait_readable(self, timeout=None):
        """To be awaited after the system said, to who asked it directly, that there is nothing to receive."""
        return Ready(self, READING, self.timeout_of(timeout))

    def wait_writable(self, timeout=None):
        """The same for sending."""
        return Ready(self, WRITING, self.timeout_of(timeout))


cdef object warn_of(Endpoint endpoint, str name):
    """A call was dropped that nobody awaited, and so did nothing.  As for a coroutine, and as silent where nobody could hear it."""
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    warnings.warn(f"{method!r} of {endpoint!r} was never awaited", RuntimeWarning)


cdef class Operation:

    def __cinit__(self, *args, **kwargs):
        self.timeout = NEVER

    def __dealloc__(self):
        if not self.has_begun and not self.is_finished:
            warn_of(self.endpoint, type(self).__name__)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        result = self.advance()
        if type(result) is Waiter:
            return result
        raise StopIteration(result)

    def send(self, value):
        """As a coroutine's: for who drives it by hand."""
        return self.__next__()

    def throw(self, kind, value=None, traceback=None):
        """As a coroutine's: wait no longer; nothing that came is lost."""
        self.close()
        raise kind if value is None else value

    def close(self):
        """As a coroutine's."""
        self.is_finished = True
        self.stop_waiting()

    cdef object attempt(self):
        return None

    cdef bint prefetch(self) except -1:
        return False

    cdef object advance(self):
        cdef Waiter waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            if waiter.state == WAITING:          # somebody else than the hub stepped the task
                self.waiter = waiter
                self.stop_waiting()
                self.waiter = None
            elif self.direction == READING and waiter.state == WOKEN and self.endpoint.spare is None and self.endpoint.fd >= 0:
                waiter.operation = None
                self.endpoint.spare = waiter
            else:
                waiter.forget_methods()
        elif self.is_finished:
            raise RuntimeError("cannot await the same call twice: call it again")
        self.is_finished = True                  # also if it fails
        if self.is_late:
            raise errors.TimedOutError(f"{self.endpoint.describe(self)} within {self.timeout / 1000:g} s")
        result = self.attempt()
        if result is WAIT:
            self.is_finished = False
            return self.wait()
        return result

    cdef object wait(self):
        cdef Endpoint endpoint = self.endpoint
        cdef Hub hub = endpoint.hub
        cdef Waiter waiter
        self.has_begun = True
        if hub.closed:
            raise RuntimeError("the event loop of this socket is closed")
        if self.timeout >= 0 and self.due == 0:
            self.due = hub.read_clock() + max(self.timeout, 1)
        if self.direction == READING:
            if endpoint.reader is not None:
                self.is_finished = True
                raise RuntimeError(f"{endpoint!r}: another task receives from it already: let one task receive")
            waiter, endpoint.spare = endpoint.spare, None
            if waiter is None:
                waiter = new_waiter(hub)
            endpoint.reader = self
            if self.due:
                hub.set_timer(&endpoint.read_timer, self.due)
        else:
            waiter = new_waiter(hub)
            endpoint.writers.append(self)
            if self.due:
                endpoint.set_write_timer()
        waiter.operation = self
        waiter.state = WAITING
        waiter._asyncio_future_blocking = True
        endpoint.hold()
        self.waiter = waiter
        return waiter

    cdef int stop_waiting(self) except -1:
        cdef Endpoint endpoint = self.endpoint
        if endpoint is None:
            return 0
        if endpoint.reader is self:
            endpoint.reader = None
            endpoint.hub.timers.clear(&endpoint.read_timer)
            endpoint.let_go()
        elif self in endpoint.writers:
            endpoint.writers.remove(self)
            endpoint.set_write_timer()
            endpoint.let_go()
        return 0


cdef class Ready(Operation):
    cdef bint has_waited

    def __init__(self, Endpoint endpoint not None, int direction, timeout):
        self.endpoint, self.direction, self.timeout = endpoint, direction, timeout

    cdef object attempt(self):
        self.endpoint.ensure_open()
        if self.has_waited or self.endpoint.ended:
            return None
        self.has_waited = True
        if self.direction == READING:
            self.endpoint.readable = False
        return WAIT


cdef class Done(Operation):

    def __cinit__(self):
        self.has_begun = True

    cdef object advance(self):
        return None


DONE = Done()


def prepare(*types):
    """Make `await` use the short way for operations; their methods as coroutines make `asyncio.create_task` take them."""
    for kind in types:
        prepare_type(kind)
        collections.abc.Coroutine.register(kind)


set_protocol(<void *>&advance_operation, Waiter)
prepare(Operation, Ready, Done)

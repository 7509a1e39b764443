"""Sockets that tasks wait on, behind one poller nested in the asyncio loop of those tasks.

Two ideas make an awaited call cheap.  An Operation is awaited without a coroutine: it tries its system call when the task steps
onto it, and gives the result by C's `am_send`, without an exception.  Only if it has to wait it yields a Waiter, which speaks
asyncio's protocol of futures; and when the poller says that there is something, a turn of the hub, which is a callback of the loop as
any other, steps the task right there, without a future's handle or another round of the loop.

Refuses to know what the bytes are.  Ancestry: server/_reactor, whose turn has the same shape; asyncio's futures for the protocol.

Invariants: events are edge-triggered, so an endpoint remembers in `readable` that its last receive was not short.  The poller's
batch may point to endpoints that are gone: forget() strikes them out.
"""

import collections.abc
import warnings

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t

from kolben.base.time import milliseconds
from kolben.net import errors
from kolben.net._poller cimport Event, FAILED, PEER_CLOSED, Poller, READABLE, TIMER, WRITABLE
from kolben.net._socket cimport c_close, microseconds
from kolben.net._timers cimport Timer, Timers

cdef enum:
    TURN_BUDGET = 1000        # microseconds; what is left waits for the loop's next round

cdef enum:                    # states of a Waiter
    WAITING
    WOKEN
    CANCELLED

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

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


cdef object get_running_loop = None       # asyncio's: the blocking form does without asyncio
cdef dict hubs = {}           # of each loop that has one
cdef Hub last = None          # asked for last
WAIT = object()


cdef Hub current_hub():
    """The hub of the running loop; made if there is none."""
    global get_running_loop, last
    if get_running_loop is None:
        from asyncio import get_running_loop
    loop = get_running_loop()
    if last is not None and last.loop is loop and not last.closed:
        return last
    last = hubs.get(loop)
    if last is None or last.closed:
        for other in [hub for hub in hubs.values() if hub.loop.is_closed()]:
            other.close()
        last = hubs[loop] = Hub(loop)
    return last


async def until_the_loop_ends(Hub hub):
    """A loop closes its asynchronous generators before itself: the one moment when the poller's descriptors can be given back."""
    try:
        yield
    finally:
        hub.close()


cdef object os_error(int code, object what):
    return errors.stream_error(code, what)


cdef object advance_operation(Operation operation):
    return operation.advance()


cdef class Hub:

    def __init__(self, loop):
        self.loop = loop
        self.poller = Poller()
        self.timers = Timers()
        self._ready = []
        self._armed = -1
        self._asked_turn = self.asked_turn
        self._get_loop = lambda: loop
        self._finished = loop.create_future()
        self._finished.set_result(None)
        self.read_clock()
        loop.add_reader(self.poller.fileno(), self.turn)
        self._ends = until_the_loop_ends(self)
        try:
            self._ends.__anext__().send(None)
        except StopIteration:
            pass

    cdef int64_t read_clock(self) noexcept:
        self.now = microseconds() // 1000
        return self.now

    # ------------------------------------------------ what is watched

    cdef int watch(self, Endpoint endpoint) except -1:
        if self.closed:
            raise RuntimeError("the event loop of this socket is closed")
        self.poller.add(endpoint.fd, <void *>endpoint)
        endpoint.previous = NULL
        endpoint.following = self._first
        if self._first != NULL:
            (<Endpoint>self._first).previous = <void *>endpoint
        self._first = <void *>endpoint
        endpoint.linked = True
        return 0

    cdef int forget(self, Endpoint endpoint) except -1:
        """Before the descriptor is closed."""
        cdef int i
        self.timers.clear(&endpoint.read_timer)
        self.timers.clear(&endpoint.write_timer)
        if not endpoint.linked:
            return 0
        endpoint.linked = False
        if endpoint.previous == NULL:
            self._first = endpoint.following
        else:
            (<Endpoint>endpoint.previous).following = endpoint.following
        if endpoint.following != NULL:
            (<Endpoint>endpoint.following).previous = endpoint.previous
        endpoint.previous = endpoint.following = NULL
        for i in range(self._position, self._count):
            if self.poller.events[i].owner == <void *>endpoint:
                self.poller.events[i].owner = NULL
                self.poller.events[i].flags = 0
        if not self.closed:
            self.poller.remove(endpoint.fd)
        return 0

    cdef int go_on(self, Endpoint endpoint) except -1:
        if not endpoint.in_ready:
            endpoint.in_ready = True
            self._ready.append(endpoint)
            self.come_back()
        return 0

    cdef int set_timer(self, Timer *timer, int64_t due) except -1:
        self.timers.set(timer, self.now, due)
        if self._depth == 0:
            self.arm()
        return 0

    cdef int arm(self) except -1:
        """Set the poller's timer for the earliest deadline; no system call if it is set for that or earlier already."""
        cdef int64_t due = self.timers.next_due(self.now)
        if due >= 0 and (self._armed < 0 or due < self._armed):
            self.poller.wake_at(due - self.now if due > self.now else 1)
            self._armed = due
        return 0

    # ------------------------------------------------ the turn

    cdef int come_back(self) except -1:
        """Ask the loop for a turn although no event waits in the kernel."""
        if not self._turn_is_scheduled and self._depth == 0:
            self.loop.call_soon(self._asked_turn)
            self._turn_is_scheduled = True
        return 0

    def asked_turn(self):
        """The turn that come_back() asked for: one at a time, however many the poller causes meanwhile."""
        self._turn_is_scheduled = False
        self.turn()

    def turn(self):
        """Step the tasks that something has come for.  Called by the loop when the poller is readable."""
        if self.closed:
            return
        self._depth += 1
        try:
            self.serve()
        finally:
            self._depth -= 1
            if not self.closed:
                self.arm()
                if self._position < self._count or self._ready:
                    self.come_back()

    cdef int serve(self) except -1:
        cdef Event event
        cdef Endpoint endpoint
        cdef int64_t began
        if self._position >= self._count:
            self._position = self._count = 0
            self._count = self.poller.wait(0)
        began = microseconds()
        self.now = began // 1000
        if 0 <= self._armed <= self.now:
            self._armed = -1
            self.run_timers()
        if self._ready:
            self.run_ready()
        while self._position < self._count:
            event = self.poller.events[self._position]
            self._position += 1
            if event.owner != NULL:
                endpoint = <Endpoint>event.owner
                endpoint.on_event(event.flags)
                if microseconds() - began > TURN_BUDGET:
                    break
            elif event.flags & TIMER:
                self._armed = -1
                self.run_timers()
        return 0

    cdef int run_ready(self) except -1:
        cdef Endpoint endpoint
        ready, self._ready = self._ready, []
        for endpoint in ready:
            endpoint.in_ready = False
        for endpoint in ready:
            if endpoint.fd >= 0:
                endpoint.streak = 0
                endpoint.on_readable()
                endpoint.on_writable()
        return 0

    cdef int run_timers(self) except -1:
        cdef Timer *timer = self.timers.pop(self.now)
        while timer != NULL:
            (<Endpoint>timer.owner).on_time(timer)
            timer = self.timers.pop(self.now)
        return 0

    def close(self):
        """Give the descriptors back.  Sockets that are still open stay open, but nobody can wait on them any more."""
        cdef Endpoint endpoint
        if self.closed:
            return
        if not self.loop.is_closed():
            self.loop.remove_reader(self.poller.fileno())
        while self._first != NULL:
            endpoint = <Endpoint>self._first
            self.forget(endpoint)
            endpoint.on_loop_end()
        self.closed = True
        self._position = self._count = 0
        self._ready = []
        self.poller.close()
        hubs.pop(self.loop, None)


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
        self.streak = 0
        if self.readable:
            self.on_readable()
        if self.writable and self.fd >= 0:
            self.on_writable()
        return 0

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
        cdef Operation reader = self.reader
        if reader is None:
            return 0
        self.reader = None
        self.hub.timers.clear(&self.read_timer)
        self.let_go()
        return reader.waiter.wake(at_once)

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
        """Its descriptor; -1 once closed."""
        return self.fd

    def wait_readable(self, timeout=None):
        """To be awaited after the system said, to who asked it directly, that there is nothing to receive."""
        return Ready(self, READING, self.timeout_of(timeout))

    def wait_writable(self, timeout=None):
        """The same for sending."""
        return Ready(self, WRITING, self.timeout_of(timeout))


@cython.final
cdef class Waiter:

    cdef int forget_methods(self) except -1:
        """They refer to the waiter, and it to them."""
        self.add_done_callback = None
        return 0

    def call_when_done(self, callback, *, context=None):
        """Asyncio's add_done_callback(): who is to be woken.  One task waits at a time."""
        self.callback = callback
        self.context = context

    def remove_done_callback(self, callback):
        """Asyncio's."""
        self.callback = None
        return 1

    def done(self):
        """Asyncio's: whether the wait is over."""
        return self.state != WAITING

    def cancelled(self):
        """Asyncio's: whether somebody cancelled the wait."""
        return self.state == CANCELLED

    def cancel(self, msg=None):
        """Asyncio's: end the wait of the task that is cancelled."""
        if self.state != WAITING:
            return False
        self.message = msg
        self.operation.stop_waiting()
        self.forget_methods()
        self.state = CANCELLED
        if self.callback is not None:
            self.hub.loop.call_soon(self.callback, self, context=self.context)
        return True

    def result(self):
        """Asyncio's: nothing, for the operation has it, or CancelledError."""
        if self.state == CANCELLED:
            from asyncio import CancelledError

            raise CancelledError(*([] if self.message is None else [self.message]))

    def exception(self):
        """Asyncio's."""
        self.result()

    cdef int wake(self, bint at_once) except -1:
        callback, context = self.callback, self.context
        self.callback = self.context = None
        self.state = WOKEN
        if callback is None:
            return 0
        if not at_once or context is None:
            self.hub.loop.call_soon(callback, self, context=context)
            return 0
        PyContext_Enter(context)
        try:
            # PERF: a task takes the result of a real future without calling a method of it (1,300 instructions).
            callback(self.hub._finished)
        finally:
            PyContext_Exit(context)
        return 0


cdef Waiter new_waiter(Hub hub):
    cdef Waiter waiter = Waiter.__new__(Waiter)
    waiter.hub = hub
    waiter.get_loop = hub._get_loop
    waiter.add_done_callback = waiter.call_when_done
    return waiter


cdef class Operation:

    def __cinit__(self, *args, **kwargs):
        self.timeout = NEVER

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
        try:
            if self.is_late:
                raise errors.TimedOutError(f"{self.endpoint.describe(self)} within {self.timeout / 1000:g} s")
            result = self.attempt()
        except BaseException:
            self.is_finished = True
            raise
        if result is WAIT:
            return self.wait()
        self.is_finished = True
        return result

    cdef object wait(self):
        cdef Endpoint endpoint = self.endpoint
        cdef Hub hub = endpoint.hub
        cdef Waiter waiter
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

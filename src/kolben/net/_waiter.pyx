"""What tasks wait on until the hub has something for them.

A Waiter speaks asyncio's protocol of futures, and wakes a task by stepping it right there, in the hub's turn: without a future's handle
or another round of the loop.  A Walker (_walker) may wait in a task's stead.

Refuses to know sockets.
"""

cimport cython

from kolben.net._hub cimport Hub

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1


cdef class Awaited:

    cdef int stop_waiting(self) except -1:
        return 0


cdef class Wait:

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

    def result(self):
        """Asyncio's: nothing, for who waited knows where to look, or CancelledError."""
        if self.state == CANCELLED:
            from asyncio import CancelledError

            raise CancelledError(*([] if self.message is None else [self.message]))

    def exception(self):
        """Asyncio's."""
        self.result()

    cdef int wake(self, bint at_once) except -1:
        return 0

    cdef int end_cancelled(self, object message) except -1:
        callback, context = self.callback, self.context
        self.callback = self.context = None
        self.state = CANCELLED
        self.message = message
        if callback is not None:
            self.hub.loop.call_soon(callback, self, context=context)
        return 0


@cython.final
cdef class Waiter(Wait):

    cdef int forget_methods(self) except -1:
        """They refer to the waiter, and it to them."""
        self.add_done_callback = None
        return 0

    def cancel(self, msg=None):
        """Asyncio's: end the wait of the task that is cancelled."""
        if self.state != WAITING:
            return False
        self.operation.stop_waiting()
        self.forget_methods()
        self.end_cancelled(msg)
        return True

    cdef int wake(self, bint at_once) except -1:
        cdef Wait walker = self.walker
        self.state = WOKEN
        if walker is not None:
            self.walker = None
            return walker.wake(at_once)
        callback, context = self.callback, self.context
        self.callback = self.context = None
        if callback is None:
            return 0
        if not at_once or context is None:
            self.hub.loop.call_soon(callback, self, context=context)
            return 0
        self.hub.leave()
        PyContext_Enter(context)
        try:
            # PERF: a task takes the result of a real future without calling a method of it (1,300 instructions).
            callback(self.hub.finished)
        finally:
            PyContext_Exit(context)
        return 0


cdef Waiter new_waiter(Hub hub):
    cdef Waiter waiter = Waiter.__new__(Waiter)
    waiter.hub = hub
    waiter.get_loop = hub.get_loop
    waiter.add_done_callback = waiter.call_when_done
    return waiter

"""Receives datagrams and answers each with a function: an async one in one task, for as long as none waits, a plain one in a thread.

Refuses to know which app is current, and who goes on when a task does not.  PERF: in Python this was 11,800 instructions a datagram, and
a task or a hand-over for each 50,000; bench/echo.py.
"""

from asyncio import current_task
from contextvars import Context

cimport cython
from libc.stdint cimport int64_t

from kolben.base._step cimport FirstStep
from kolben.net._datagram cimport Datagram, DatagramSocket
from kolben.net._endpoint cimport STREAK
from kolben.net._hub cimport SCRATCH
from kolben.net._replies cimport Replies
from kolben.net._socket cimport microseconds
from kolben.services._traces cimport Traces


cdef enum:
    BUDGET = 1000             # microseconds of work after which replies go out, and others have their turn


@cython.final
cdef class Counters:

    cdef bint take(self, long long most) noexcept:
        self.accepted += 1
        if self.active < most:
            self.active += 1
            return True
        self.refused += 1
        return False

    cpdef int change(self, long long by) noexcept:
        """Add to `active`, whichever thread it is."""
        self.active += by
        return 0


@cython.final
cdef class Receiver:

    def __init__(self, service, DatagramSocket sock not None, context, Counters counters not None, most):
        self.service, self.sock, self.context, self.counters, self.most = service, sock, context, counters, most
        self.replies = Replies(sock)

    async def run(self):
        """Receive and answer; in its own task."""
        cdef Datagram datagram
        cdef FirstStep step
        cdef int64_t began = microseconds()
        cdef Traces traces = Traces(current_task(), self.context)
        task, function, contexts = current_task(), self.service.function, self.service.contexts
        receivers = self.service.receivers
        try:
            while task in receivers:
                datagram = None
                try:
                    datagram = self.sock.receive(SCRATCH)
                    if datagram is None:
                        self.send()
                        datagram = await self.sock.recv_from()
                        began = microseconds()
                except OSError as error:
                    self.failure = error
                if datagram is None:
                    self.send()
                    await self.service.rest(self.take_failure())
                    continue
                if not self.counters.take(self.most):
                    continue
                traces.note()
                try:
                    with contexts():
                        step = FirstStep(function(datagram))
                        if step.returned:
                            reply = step.value
                        else:
                            self.send()
                            reply = await self.service.keep(task, self.sock, step)
                    if reply is not None and self.replies.put(reply, datagram):
                        self.send()
                except Exception as error:
                    self.service.report(error, datagram.address)
                finally:
                    self.counters.active -= 1
                if microseconds() - began > BUDGET:
                    self.send()
                    self.sock.streak = STREAK         # others have their turn
                if traces.are_left():
                    break
        finally:
            self.send()
            self.service.on_end(task, self.sock)

    async def gather(self, put):
        """Receive, and put what came at once into somebody's hands, who calls answer()."""
        cdef Datagram datagram
        cdef list came = []
        while True:
            datagram = None
            try:
                datagram = self.sock.receive(SCRATCH)
                if datagram is None:
                    if came:
                        put(came)
                        came = []
                    datagram = await self.sock.recv_from()
            except OSError as error:
                self.failure = error
            if datagram is None:
                if came:
                    put(came)
                    came = []
                await self.service.rest(self.take_failure())
            elif self.counters.take(self.most):
                came.append(datagram)

    def answer(self, list came not None, call):
        """Answer what came with a plain function, in order; in its thread."""
        cdef Datagram datagram
        cdef int64_t began = microseconds()
        for datagram in came:
            try:
                reply = Context().run(call, datagram)
                if reply is not None and self.replies.put(reply, datagram):
                    self.send()
            except BaseException as error:
                self.service.report(error, datagram.address)
            finally:
                self.counters.active -= 1
            if microseconds() - began > BUDGET:
                self.send()
                began = microseconds()
        self.send()

    cdef object take_failure(self):
        failure, self.failure = self.failure, None
        return failure

    cdef int send(self) except -1:
        if self.replies.replies:
            left = self.replies.send(self.service.report)
            if left is not None:
                self.service.send_later(self.sock, left)
        return 0

"""While a plan runs: clients that leave, and its deadline.

Refuses to know where it runs: there is a task, a thread, or neither yet.
"""

import logging

cimport cython

from libc.stdint cimport int64_t

from kolben.http._response cimport plain_response
from kolben.net._socket cimport has_bytes
from kolben.server._answer cimport Answerer, GONE, TEXT
from kolben.server._engine cimport Engine

from kolben.server.deadlines import frames_of_task, frames_of_thread, stack
from kolben.server.streams import AsyncBody

cdef object log = logging.getLogger("kolben.server")
cdef enum:                            # milliseconds
    WITH_REQUEST = 20                 # a FIN that comes so soon after the last byte is the end of what the peer says, not of its interest
    AFTER_CANCEL = 1000               # so long a cancelled task may take for its teardown, before it is answered without it


cdef object timed_out():
    """RFC 9110, section 15.6.5, though it is we who should have been faster."""
    return plain_response(504, TEXT, "The request took too long.\n")


@cython.no_gc_clear       # as what it is made of, and what is made of it
cdef class Waiting(Answerer):

    cdef int begin_to_wait(self) except -1:
        """Somebody else brings the response; begin to count the time."""
        cdef double limit = self.plan.timeout
        self.since = self.engine.reactor.now
        self.expires = 0
        if limit < 0:
            limit = self.engine.view
        if limit > 0:
            self.expires = self.since + <int64_t>(limit * 1000)
            return self.set_body_deadline() if self.incoming is not None else self.set_deadline(0)
        return 0

    def age(self):
        """For how many seconds it has been asked to run."""
        return (self.engine.reactor.now - self.since) / 1000

    cdef bint has_left(self, bint is_reset) except -1:
        """While it runs, or its lazy body is sent, the peer shut its side, or all of it: whether nobody waits for the answer.

        A peer that says all it has to say, shuts its side, and reads on, is one that half-closes: its FIN comes with the last request.
        """
        cdef bint is_known = self.peer_closed
        if is_reset:
            self.info.is_gone = True
            return True
        if is_known or self.incoming is not None or self.input != NULL or (
                self.engine.reactor.now - self.since < WITH_REQUEST or has_bytes(self.fd)):
            return False
        self.info.is_gone = True
        return (self.task is not None or isinstance(self.stream, AsyncBody) or self.plan.answers_early) and not self.plan.ignores_disconnect

    cdef int leave_alone(self) except -1:
        """Nobody waits for the answer: close, which cancels a task.  What runs in a thread ends by itself and is dropped."""
        log.debug("%s: its client has left", self.plan.name)
        return self.abort()

    cdef int cancel_task(self) except -1:
        if not self.task_is_cancelled:
            self.task_is_cancelled = True
            self.engine.reactor.call_in_loop(self.cancel_in_loop, self.task)
        return 0

    cdef int leave_task(self) except -1:
        """The client of what runs as a task has left: cancel it, or tell it."""
        if self.plan.answers_early:
            self.engine.reactor.call_in_loop(self.tell_in_loop, self.task)
        elif not self.plan.ignores_disconnect:
            self.cancel_task()
        return 0

    def tell_in_loop(self, task):
        """In the loop's thread."""
        task.get_coro().cancel()

    def cancel_in_loop(self, task):
        """In the loop's thread."""
        task.cancel()

    cdef int expire(self) except -1:
        """The time is over: cancel a task; answer without what cannot be stopped."""
        cdef Engine engine = self.engine
        cdef bint is_late = self.task is not None and self.task_is_late
        self.expires = 0
        engine.expired += not is_late
        if self.task is None and self.thread == 0:
            log.warning("%s: after %.1f s it had not begun to run: answered with 503", self.plan.name, self.age())
            return self.refuse(503, "no thread was free in time (RFC 9110, section 15.6.4)")
        if self.task is None:
            log.warning("%s has run for %.1f s and cannot be stopped, being in a thread: answered with 504; %d of its kind still run.%s",
                        self.plan.name, self.age(), engine.stuck + 1, stack(frames_of_thread(self.thread)))
            return self.abandon()
        log.warning("%s has run for %.1f s and %s.%s", self.plan.name, self.age(),
                    "does not end although it was cancelled: answered with 504" if is_late else "is cancelled",
                    stack(frames_of_task(self.task)))
        if is_late:
            return self.abandon()
        self.task_is_late = True
        self.cancel_task()
        self.expires = engine.reactor.now + AFTER_CANCEL
        return self.set_deadline(0)

    cdef int abandon(self) except -1:
        """Answer in the place of a plan that runs on.  What it brings in the end is dropped; this is the connection's last answer."""
        self.abandoned = True
        self.engine.stuck += 1
        if self.incoming is not None:
            self.end_incoming(GONE)
        return self.say_last(timed_out())

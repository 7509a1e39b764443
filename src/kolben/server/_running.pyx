"""Where the plan of a request runs (D3): inline, in a thread of the pool, or as a task of the loop."""

import logging
import sys
from asyncio import CancelledError

cimport cython

from libc.stdint cimport int64_t
from libc.string cimport memcpy

from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from kolben.base._alive cimport TASKS, counts
from kolben.http._plan cimport ANSWERED, INLINE, Plan, TASK
from kolben.http._response cimport is_lazy, plain_response
from kolben.server._agenda cimport MEMORY_TRIES, MEMORY_WAIT
from kolben.server._answer cimport GONE, TEXT, busy
from kolben.server._body cimport RUNNING, SEND
from kolben.server._engine cimport Engine, PLACE_SIZE
from kolben.server._lease cimport CALL, STEP, microseconds
from kolben.server._reactor cimport Reactor
from kolben.server._waiting cimport Waiting, timed_out
from kolben.net._socket cimport usleep

from kolben.server.streams import ThreadBody

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from "Python.h":
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef object log = logging.getLogger("kolben.server")
cdef object LATER = object()          # not None, which a view may return by mistake


cdef int note_place(char *place, object name) except -1:
    """Leave a plan's name where whoever looks for the cause of a crash finds it."""
    cdef Py_ssize_t n
    cdef const char *text = PyUnicode_AsUTF8AndSize(name, &n)
    n = min(n, PLACE_SIZE - 1)
    memcpy(place, text, n)
    place[n] = 0
    return 0


@cython.no_gc_clear       # as what it is made of, and what is made of it
cdef class Runner(Waiting):

    cdef object run(self):
        self.phase = RUNNING
        if self.engine.place != NULL:
            note_place(self.engine.place, self.plan.name)
        if self.engine.access_log is not None:
            self.ready = self.started = microseconds()
        if self.engine.reactor.late:
            self.engine.reactor.backlog.refused += 1
            return self.turn_away()
        if self.plan.mode == INLINE and not self.plan.streams_body and not self.engine.reactor.lease.is_taken():
            return self.run_inline()
        if self.plan.mode == TASK:
            return self.run_task()
        return self.submit()

    cdef object turn_away(self):
        """The server is behind: answer that it is busy, instead of running the plan."""
        self.context = self.engine.base_context
        self.engine.refused += 1
        self.drop_spool()
        return busy()

    cdef int bring(self, object response) except -1:
        """A response that was waited for is here."""
        self.expires = 0
        if self.abandoned:
            self.abandoned = False
            self.engine.stuck -= 1
            self.engine.late += 1
            log.warning("%s has ended, %.1f s after it was asked to run: its answer is dropped", self.plan.name, self.age())
            return self.drop(timed_out() if response is None else response)
        if self.task_is_late and self.fd >= 0:
            self.task_is_late = False
            self.put_away(response)
            response = timed_out()
        return self.serve(SEND, NULL, response)

    def failed(self):
        """While an exception is handled: log it; what is answered instead."""
        if (self.info.is_gone or self.abandoned) and isinstance(sys.exc_info()[1], GONE):
            log.debug("%s: its client has left within the body, or was answered without it", self.plan.name)
        else:
            log.exception("Error in %s, not caught by the application", self.plan.name)
        return plain_response(500, TEXT, "Internal Server Error\n")

    # ------------------------------------------------ inline

    cdef object run_inline(self):
        cdef Reactor reactor = self.engine.reactor
        cdef Plan plan = self.plan
        cdef int64_t lasted
        self.scope = self.engine.contexts.lend()
        self.context = self.scope.context
        reactor.leave_loop()
        reactor.begin_call(CALL, self)
        try:
            PyContext_Enter(self.context)
            try:
                response = plan.run(self.request)
            except BaseException:
                response = self.failed()
            finally:
                PyContext_Exit(self.context)
        except BaseException:                             # there is no memory, most likely: the call has ended all the same
            reactor.end_call()
            raise
        lasted = reactor.end_call()
        if plan.note_inline(lasted):
            log.info("%s runs in a thread from now on: a call took %.1f ms", plan.name, lasted / 1000)
        if lasted < 0:                                    # others were served meanwhile, and perhaps this connection has ended
            reactor.post(self.on_response, response)
            return LATER
        return response

    cdef object on_rescue(self):
        """In the watchdog's thread: let others use what is shared, and send what was answered before this request."""
        cdef int64_t times
        self.engine.exchange_buffers()
        if self.plan is None or self.plan.record is None:     # it ended where there was no memory
            return None
        self.plan.note_rescue()
        self.flush()
        self.thread = self.engine.reactor.thread
        self.begin_to_wait()
        times = self.plan.record.rescued
        return self.plan.name if times & (times - 1) == 0 else None       # one that is pinned may block every time

    cdef object running(self):
        return "a body" if self.plan is None else self.plan.name

    # ------------------------------------------------ in a thread

    cdef object submit(self):
        cdef Engine engine = self.engine
        cdef int64_t now = engine.reactor.lease.now()
        if engine.backlog.behind and not self.admits(now):
            return self.turn_away()
        self.context = PyContext_Copy(engine.base_context)
        self.queued = now
        self.thread = 0
        engine.waiting += 1                               # before: a thread may begin at once
        if engine.executor.submit_request(self):
            self.begin_to_wait()
            return LATER
        engine.waiting -= 1
        engine.backlog.fall_behind(now)
        return self.turn_away()

    cdef bint admits(self, int64_t now) except -1:
        """While the server is behind: whether one more may wait for a thread.  As many as there are threads, so that none is ever without
        work.  A refusal runs no bytecode: where forty threads compute, each piece of that would wait for all of them."""
        cdef Engine engine = self.engine
        if engine.waiting >= engine.thread_limit:
            engine.backlog.refused += 1
            engine.backlog.observe(0, 1, now)
            return False
        engine.backlog.observe(engine.executor.has_free_thread, 1, now)
        return True

    def run_in_thread(self):
        """In a thread of the pool: run the plan, and iterate over its body if that is lazy."""
        self.engine.waiting -= 1
        try:
            self.run_and_post()
        except BaseException:                             # there was no memory, most likely: who asked must not wait for ever
            self.give_up()
            raise

    cdef int give_up(self) except -1:
        cdef int tries = MEMORY_TRIES
        while True:
            try:
                self.engine.reactor.post(self.on_lost, None)
                return 0
            except MemoryError:                           # for the bound method
                tries -= 1
                if tries == 0:
                    raise
            with nogil:
                usleep(MEMORY_WAIT)

    def on_lost(self, _):
        """In a turn: a thread could not do its work for this connection."""
        self.abort()

    def run_and_post(self):
        cdef bint lazy = False
        cdef Plan plan = self.plan
        cdef int64_t began
        if self.fd < 0 or plan is None:
            return                                        # cut, or refused, while it waited
        self.thread = PyThread_get_thread_ident()         # before anything gives the GIL away: it has begun
        began = self.engine.reactor.lease.now()
        if self.engine.backlog.is_too_long(began - self.queued, began):
            self.engine.backlog.refused += 1
            self.engine.reactor.post(self.on_response, self.turn_away())
            return
        request, context = self.request, self.context
        if self.engine.access_log is not None:
            self.started = microseconds()
        if plan.streams_body and not self.engine.executor.leave_pool():
            self.engine.reactor.post(self.on_response, busy())
            return
        try:
            PyContext_Enter(context)
            try:
                response = plan.run(request)
                lazy = is_lazy(response) and not hasattr(response.response, "__aiter__")
            except BaseException:
                response = self.failed()
            finally:
                PyContext_Exit(context)
            if lazy:
                plan.note_lazy()
                self.iterate_in_thread(response, context, plan.streams_body)
                return
            # With one peer alone, no other thread has anything to do meanwhile.
            if plan.note_in_thread(self.engine.reactor.lease.now() - began, self.engine.active > 1):
                log.info("%s runs inline from now on: its calls are short", plan.name)
            if not self.engine.reactor.post(self.on_response, response):
                self.forget_response(response, context)
        finally:
            if plan.streams_body:
                self.engine.executor.return_to_pool()

    def iterate_in_thread(self, response, context, has_left_pool):
        """In the thread that made it: iterate over a lazy body, when the loop's thread has sent the head."""
        if not has_left_pool and not self.engine.executor.leave_pool():
            self.forget_response(response, context)
            self.engine.reactor.post(self.on_response, busy())
            return
        try:
            body = ThreadBody(self, response)
            if not self.engine.reactor.post(self.on_lazy, body):
                body.cancel()
            context.run(body.pump)
        finally:
            if not has_left_pool:
                self.engine.executor.return_to_pool()

    def on_response(self, response):
        """In a turn: a thread has made a whole response."""
        self.bring(response)
        self.advance()

    def on_lazy(self, body):
        """In a turn: a thread has made a response and waits to be told to iterate over its body."""
        self.stream = body
        self.bring(body.response)
        self.advance()

    # ------------------------------------------------ as a task

    cdef object run_task(self):
        cdef Reactor reactor = self.engine.reactor
        if reactor.lease.is_taken():
            self.thread = 0
            self.begin_to_wait()
            reactor.post_to_loop(self.run_late_task, None)
            return LATER
        self.scope = self.engine.contexts.lend()
        self.context = self.scope.context
        reactor.enter_loop()
        self.plan.record.calls += 1
        response = task = None
        reactor.begin_call(STEP, self)
        try:
            coroutine = self.plan.run_async(self.request)
            if self.plan.answers_early:
                coroutine.connection = self
            task = self.engine.starter.start(coroutine, self.context, self.plan.name)
        except BaseException:
            response = self.failed()
        finally:
            reactor.end_call()
        if response is not None:
            return response
        if self.engine.starter.is_done:
            response = self.result_of(task)
            task = None                                   # which keeps the Context
            return LATER if response is ANSWERED else response
        task.add_done_callback(self.on_task_done)
        reactor.lease.tasks += 1
        self.task = task
        counts[TASKS] += 1
        self.task_is_cancelled = self.task_is_late = False
        self.begin_to_wait()
        return LATER

    def run_late_task(self, _):
        """In a turn: the loop's thread has the lease again."""
        if self.fd < 0:                                   # cut while it waited
            self.drop_spool()
            self.release()
        elif self.plan is not None:                       # else it was refused meanwhile
            response = self.run_task()
            if response is not LATER:
                self.bring(response)
            self.advance()

    def on_task_done(self, task):
        """In the loop, not in a turn."""
        self.engine.reactor.lease.tasks -= 1
        counts[TASKS] -= 1
        if self.task is task:
            self.task = None
        response = self.result_of(task)
        if response is ANSWERED:
            return
        if self.fd >= 0:
            self.done = response
            self.engine.reactor.schedule(self)
        else:
            self.bring(response)

    def answer_early(self, response):
        """In a task: its answer; the task goes on, and the connection waits for it no more."""
        self.engine.reactor.post(self.on_early_response, response)

    def stream_early(self, body, response):
        """In a task: the head of its answer, whose body it goes on to write.

        `body` is told when it may, by `start`; `resume` and `cancel` as for other bodies.
        """
        self.engine.reactor.post(self.on_early_stream, (body, response))

    def on_early_response(self, response):
        """In a turn: the same."""
        self.task = None
        self.on_response(response)

    def on_early_stream(self, early):
        """In a turn: the same."""
        body, response = early
        self.task = None
        if self.fd < 0:
            body.cancel()
        self.stream = body
        self.bring(response)
        self.advance()

    def result_of(self, task):
        """What a finished task returned; 500 for what it raised."""
        try:
            response = task.result()
        except CancelledError:
            response = plain_response(503, TEXT, "The server cancelled the request.\n")
        except BaseException:
            response = self.failed()
        return response                                   # not above: see Reactor.report

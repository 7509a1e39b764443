"""Who waits on sockets in a task's stead, for tasks that wait again and again, as a service's do.

To its task a Walker is a coroutine that waits once; it steps the real coroutine from wait to wait by itself, in the task's context and as
asyncio's current task, and troubles the task only when there is something that a Waiter is not: another future, a cancellation, the end.
PERF: half of what a message cost was the task's own step; bench/echo.py.

A coroutine that awaits another for long may leave it to the Walker as a Subcoroutine: it is then stepped alone, and its awaiter goes on
at its end.  PERF: each frame that a step passes through takes 240 instructions.

Refuses to know sockets.
"""

import collections.abc

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject

from kolben.net._hub cimport current_hub
from kolben.net._waiter cimport Wait, Waiter, WAITING, WOKEN

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef extern from *:
    """
    static PyObject *kn_caught(void) {
        PyObject *kind, *error, *traceback;
        PyErr_Fetch(&kind, &error, &traceback);
        PyErr_NormalizeException(&kind, &error, &traceback);
        if (traceback != NULL) PyException_SetTraceback(error, traceback);
        Py_XDECREF(kind);
        Py_XDECREF(traceback);
        return error;
    }

    static int kn_resume(PyObject *coroutine, PyObject *error, PyObject **result) {
        int status;
        PyObject *end;
        if (error == Py_None) {
            status = PyIter_Send(coroutine, Py_None, result);       /* -1, 0 and 1 as ours */
        } else {
            *result = PyObject_CallMethod(coroutine, "throw", "O", error);
            if (*result != NULL) return 1;
            if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
                status = -1;
            } else {
                end = kn_caught();
                *result = PyObject_GetAttrString(end, "value");
                Py_DECREF(end);
                status = *result == NULL ? -1 : 0;
            }
        }
        if (status < 0) *result = kn_caught();
        return status;
    }

    static void kn_set_raised(PyObject *error) {
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), Py_NewRef(error), PyException_GetTraceback(error));
    }

    typedef int (*kn_step_function)(PyObject *, PyObject **);
    static kn_step_function kn_walk, kn_go_on;

    /* Steps by an awaiter, without StopIteration. */
    static PySendResult kn_walk_send(PyObject *self, PyObject *value, PyObject **result) {
        (void)value;
        return (PySendResult)kn_walk(self, result);       /* -1, 0 and 1 are its names' values */
    }

    static PySendResult kn_go_on_send(PyObject *self, PyObject *value, PyObject **result) {
        (void)value;
        return (PySendResult)kn_go_on(self, result);
    }

    /* And without frames of ours in what it raises: where `await` asks an iterator for its next (Python 3.12 and later). */
    static PyObject *kn_next(kn_step_function step, PyObject *self) {
        PyObject *result = NULL, *end;
        int status = step(self, &result);
        if (status != 0) return status > 0 ? result : NULL;
        if (result != Py_None) {                          /* NULL alone is a return of None */
            end = PyObject_CallOneArg(PyExc_StopIteration, result);
            if (end != NULL) PyErr_SetObject(PyExc_StopIteration, end);
            Py_XDECREF(end);
        }
        Py_DECREF(result);
        return NULL;
    }

    static PyObject *kn_walk_next(PyObject *self) {
        return kn_next(kn_walk, self);
    }

    static PyObject *kn_go_on_next(PyObject *self) {
        return kn_next(kn_go_on, self);
    }

    static void kn_prepare_type(PyObject *type, sendfunc send, iternextfunc next) {
        static PyAsyncMethods alone[2];
        static int made;
        PyTypeObject *t = (PyTypeObject *)type;
        if (t->tp_as_async == NULL) t->tp_as_async = &alone[made++];
        t->tp_as_async->am_send = send;
        t->tp_iternext = next;
    }

    static void kn_prepare_walking(PyObject *walker, void *walk, PyObject *sub, void *go_on) {
        kn_walk = (kn_step_function)walk;
        kn_go_on = (kn_step_function)go_on;
        kn_prepare_type(walker, kn_walk_send, kn_walk_next);
        kn_prepare_type(sub, kn_go_on_send, kn_go_on_next);
    }
    """
    # Step a coroutine, with an error or None: 1 with what it yielded, 0 with what it returned, -1 with what it raised, as a value.
    int resume "kn_resume"(object coroutine, object error, PyObject **result)
    # Raise an error as it is: without this module's frames in its traceback.
    void set_raised "kn_set_raised"(object error)
    void prepare_walking "kn_prepare_walking"(object walker, void *walk, object sub, void *go_on)


@cython.final
cdef class Subcoroutine:

    def __init__(self, coroutine):
        self.coroutine = coroutine if hasattr(coroutine, "send") else coroutine.__await__()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def throw(self, *error):
        """A coroutine's."""
        return self.coroutine.throw(*error)

    def close(self):
        """A coroutine's."""
        if self.coroutine is not None:
            self.coroutine.close()

    cdef int advance(self, PyObject **result) except -2:
        """1 with itself at first, then its end: 0 with a result, or -1 and an error is set."""
        if self.outcome == NONE and self.has_begun:
            raise RuntimeError("a Subcoroutine is awaited where no Walker leads")
        self.has_begun = True
        value = self if self.outcome == NONE else self.value
        self.value = None
        if self.outcome == RAISED:
            set_raised(value)
            return -1
        Py_INCREF(value)
        result[0] = <PyObject *>value
        return self.outcome == NONE


@cython.final
cdef class Walker(Wait):

    def __init__(self, coroutine):
        self.hub = current_hub()
        self.coroutine = coroutine
        self.awaiters = []
        self.state = WOKEN

    # ------------------------------------------------ as the task's coroutine

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """A coroutine's."""
        cdef PyObject *result = NULL
        cdef int status = advance_walker(self, &result)
        value = <object>result
        Py_DECREF(value)
        if status == 0:
            raise StopIteration(value)
        return value

    def throw(self, kind, value=None, traceback=None):
        """A coroutine's: in the task's cancellation, mostly."""
        error = kind if value is None else value
        self.must_tell = False
        outcome, kept = self.outcome, self.value
        if outcome == YIELDED and type(kept) is not Waiter and is_cancellation(error) and kept is not None and kept.cancel():
            return self.send(None)            # it waits on that, as a task that is cancelled in a step does
        self.outcome, self.value = NONE, None
        if outcome == RAISED:
            raise kept
        if outcome == RETURNED:
            self.task = None
            raise error
        self.step(error)
        return self.send(None)

    def close(self):
        """A coroutine's."""
        self.task = None
        self.coroutine.close()
        while self.awaiters:
            self.coroutine, self.sub = self.awaiters.pop()
            self.coroutine.close()

    @property
    def __name__(self):
        return self.coroutine.__name__

    @property
    def __qualname__(self):
        return self.coroutine.__qualname__

    @property
    def cr_frame(self):
        """For who looks at the task's stack."""
        return self.coroutine.cr_frame

    @property
    def cr_code(self):
        """The same."""
        return self.coroutine.cr_code

    @property
    def cr_running(self):
        """The same."""
        return self.coroutine.cr_running

    @property
    def cr_await(self):
        """The same."""
        return self.coroutine.cr_await

    # ------------------------------------------------ as what the task waits on

    def get_loop(self):
        """Asyncio's."""
        return self.hub.loop

    @property
    def add_done_callback(self):
        """Asyncio's."""
        return self.call_when_done

    def cancel(self, msg=None):
        """Asyncio's.  While the coroutine runs there is no wait to be cancelled: its task remembers, and is told at the next one."""
        if self.is_walking:
            self.must_tell = True
            return False
        if self.state != WAITING:
            return False
        self.waiter.operation.stop_waiting()
        self.waiter.walker = None
        self.end_cancelled(msg)
        return True

    # ------------------------------------------------ walking

    cdef int step(self, object error) except -1:
        """Let the coroutine run to its next wait, from an error if it is not None, and keep what came of it."""
        cdef PyObject *result = NULL
        cdef int status
        self.is_walking = True
        while True:
            status = resume(self.coroutine, error, &result)
            self.outcome = YIELDED if status == 1 else RETURNED if status == 0 else RAISED
            self.value = <object>result
            Py_DECREF(self.value)
            if status == 1 and type(self.value) is Waiter or not self.crosses():
                break
            error = None
        self.is_walking = False
        return 0

    cdef bint crosses(self) except -1:
        """Whether what the step came to is another coroutine's to go on with: a Subcoroutine begins, or ends."""
        if self.outcome == YIELDED:
            if type(self.value) is not Subcoroutine:
                return False
            self.awaiters.append((self.coroutine, self.sub))
            self.sub = <Subcoroutine>self.value
            self.coroutine = self.sub.coroutine
        else:
            if self.sub is None:
                return False
            self.sub.outcome, self.sub.value, self.sub.coroutine = self.outcome, self.value, None
            self.coroutine, self.sub = self.awaiters.pop()
        self.outcome, self.value = NONE, None
        return True

    cdef int advance(self, PyObject **result) except -2:
        """A step by the task: 1 with what it is to wait on, 0 with the coroutine's result, -1 and its error is set."""
        cdef int outcome
        if self.outcome == NONE:
            self.step(None)
        self.must_tell = False                # the task steps: it knows
        outcome, value = self.outcome, self.value
        self.outcome, self.value = NONE, None
        if outcome == YIELDED:
            if type(value) is Waiter:
                value = self.wait_for(<Waiter>value)
        else:
            self.task = None
            if outcome == RAISED:
                set_raised(value)
                return -1
        Py_INCREF(value)
        result[0] = <PyObject *>value
        return outcome == YIELDED

    cdef object wait_for(self, Waiter waiter):
        self.wait_behind(waiter)
        self.state = WAITING
        self._asyncio_future_blocking = True
        return self

    cdef int wait_behind(self, Waiter waiter) noexcept:
        waiter.walker = self
        waiter._asyncio_future_blocking = False
        self.waiter = waiter
        return 0

    cdef int wake(self, bint at_once) except -1:
        """What the coroutine waits for may be there.  Called by its Waiter."""
        callback, context = self.callback, self.context
        if callback is None:
            self.state = WOKEN
            return 0
        if not at_once or self.task is None or context is None:
            self.callback = self.context = None
            self.state = WOKEN
            self.hub.loop.call_soon(callback, self.hub.finished, context=context)
            return 0
        self.hub.enter(self.task)
        PyContext_Enter(context)
        try:
            self.step(None)
        finally:
            PyContext_Exit(context)
        if self.outcome == YIELDED and not self.must_tell and type(self.value) is Waiter:
            self.wait_behind(<Waiter>self.value)
            self.outcome, self.value = NONE, None
            return 0
        return self.call_task(callback, context)

    cdef int call_task(self, object callback, object context) except -1:
        """Let the task take what the last step came to."""
        self.callback = self.context = self.waiter = None
        self.state = WOKEN
        self.hub.leave()
        PyContext_Enter(context)
        try:
            callback(self.hub.finished)
        finally:
            PyContext_Exit(context)
        return 0


cdef bint is_cancellation(object error) except -1:
    from asyncio import CancelledError

    return isinstance(error, CancelledError) or error is CancelledError


def create_task(coroutine, *, name=None, context=None):
    """As asyncio's, for a coroutine that waits on sockets of the running loop time and again: it is cheaper to wake."""
    cdef Walker walker = Walker(coroutine)
    task = walker.hub.loop.create_task(walker, name=name, context=context)
    if not task.done():
        walker.task = task
    return task


def led(coroutine):
    """To be awaited in place of a coroutine, where a Walker leads: until it has ended, a step is a step of it alone."""
    return Subcoroutine(coroutine)


cdef int advance_walker(Walker walker, PyObject **result) except -1:
    cdef int status = walker.advance(result)
    return status


cdef int advance_subcoroutine(Subcoroutine sub, PyObject **result) except -1:
    return sub.advance(result)


prepare_walking(Walker, <void *>advance_walker, Subcoroutine, <void *>advance_subcoroutine)
collections.abc.Coroutine.register(Walker)

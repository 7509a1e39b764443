"""The map of one call of an ASGI application."""


cdef enum Stage:
    SILENT                    # nothing was sent
    STARTED                   # status and fields
    COMPLETE                  # and the whole body

cdef enum Delivery:
    NOTHING                   # the answer is the task's, if it is complete when that ends or waits
    GIVEN                     # the server has it, or will have it in its next turn
    FLOWING                   # the head is out: each piece goes straight to the connection


cdef class Exchange:
    """One call of an application: its coroutine, and its `receive` and `send`.  A coroutine itself, for the server's task."""

    cdef object coroutine             # the application's
    cdef public object connection     # who takes an answer before the task's end; None: nobody, it is kept until then
    cdef object body                  # of the request: bytes, a file, an IncomingBody; None: it was read to its end
    cdef object name                  # for logs
    cdef bint is_head
    cdef bint is_stepping             # the coroutine makes a step: whoever sends is in it, and need not hurry
    cdef bint is_gone                 # the peer
    cdef bint is_broken               # the application ended before its answer did
    cdef bint discards                # the answer has no body: HEAD, 204, 304
    cdef Stage stage
    cdef Delivery delivery
    cdef int status
    cdef list fields                  # (name, value), as bytes
    cdef list pieces                  # of the answer's body, not yet given to the connection
    cdef Py_ssize_t size              # of them
    cdef list receivers               # futures of who waits for the end
    cdef list senders                 # futures of who waits for room

    cdef int call(self, object application, object scope) except -1
    cdef object take_start(self, object message)
    cdef object take_body(self, object message)
    cdef object response(self)
    cdef object nobody(self)
    cdef object promise(self, list waiting)
    cdef int wake(self, list waiting) except -1
    cdef object room(self)
    cdef int give(self) except -1
    cdef int write(self, object data) except -1
    cdef int finish_flow(self) except -1
    cdef int break_flow(self) except -1
    cdef object end(self, object error)


# `body` is the request's: bytes, a file, an IncomingBody, or None.
cdef Exchange new_exchange(object name, object body, bint is_head)

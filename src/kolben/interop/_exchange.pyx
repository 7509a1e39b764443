"""One call of an ASGI application (ASGI 3, HTTP 2.5): its `receive`, its `send`, and what becomes of what it sends.

Each step of the server's task is a step of the application's coroutine, made by the Exchange.  What the application sends is kept as
long as the step lasts; most have answered by then, and their answer leaves as that of a view.  One that waits in the middle of its
answer, or goes on behind it, gives what it has to the connection, and each further piece as it comes; `send` then waits for room.

Refuses to know how an application is found and which scope it has.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcmp

from kolben.http._plan cimport ANSWERED
from kolben.http._response cimport JSON, plain_response, whole_response
from kolben.http._status cimport status_text
from kolben.interop._hosting cimport lazy_response

import asyncio
import logging

from werkzeug.exceptions import ClientDisconnected, HTTPException

from kolben.http.incoming import IncomingBody

cdef extern from "Python.h":
    int PyIter_Send(object iterator, object value, PyObject **result) except -1     # 0: returned, 1: yielded
    bint PyCoro_CheckExact(object o)
    void Py_DECREF(PyObject *o)

cdef enum:
    KEPT_LIMIT = 64 * 1024    # bytes of an answer that are kept for the end of a step
    READ_AT_ONCE = 64 * 1024  # bytes of a body that stands in a file

cdef object log = logging.getLogger("kolben.server")
cdef object get_running_loop = asyncio.get_running_loop
cdef bytes EMPTY = b""
cdef object DONE                          # a Ready without a value: to be awaited any number of times


@cython.final
@cython.freelist(8)
cdef class Ready:
    """What `await` gives at once."""

    cdef object value

    @staticmethod
    cdef Ready make(object value):
        cdef Ready ready = Ready.__new__(Ready)
        ready.value = value
        return ready

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.value is None:
            raise StopIteration
        raise StopIteration(self.value)

    def send(self, value):
        """Make the only step."""
        raise StopIteration(self.value)

    def throw(self, *error):
        """Raise instead."""
        raise error[0]

    def close(self):
        """Nothing is open."""


@cython.final
cdef class Flow:
    """Stands for the body that an exchange writes piece by piece: nobody iterates over it."""

    def __aiter__(self):
        return self


@cython.freelist(8)
cdef class Exchange:

    cdef int call(self, object application, object scope) except -1:
        coroutine = application(scope, self.receive, self)
        self.coroutine = coroutine if PyCoro_CheckExact(coroutine) else coroutine.__await__()
        return 0

    # ------------------------------------------------ for the server's task: a coroutine

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *result = NULL
        cdef int status
        cdef object error = None
        self.is_stepping = True
        try:
            status = PyIter_Send(self.coroutine, None, &result)
        except BaseException as raised:
            error = raised
        self.is_stepping = False
        if error is not None:
            return self.end(error)
        value = <object>result
        Py_DECREF(result)
        if status == 0:
            return self.end(None)
        if self.delivery == NOTHING and (self.stage == COMPLETE or self.size):
            self.give()
        return value

    def send(self, value):
        """Make a step."""
        return self.__next__()

    def throw(self, *error):
        """Raise an error in the application, such as its cancellation."""
        cdef bint is_over = True
        cdef object last = None
        self.is_stepping = True
        try:
            value = self.coroutine.throw(*error)
            is_over = False
        except StopIteration:
            pass
        except BaseException as raised:
            last = raised
        self.is_stepping = False
        return self.end(last) if is_over else value

    def close(self):
        """End the application's coroutine."""
        self.coroutine.close()

    @property
    def cr_frame(self):
        """Where the application stands."""
        return getattr(self.coroutine, "cr_frame", None)

    cdef object end(self, object error):
        """The application has returned, or raised: end the task with its answer; None if the connection has that already."""
        self.wake(self.receivers)
        if self.delivery != NOTHING:
            self.is_broken = self.stage != COMPLETE
            if self.delivery == FLOWING:
                self.break_flow()
            if error is not None and not (self.is_gone and isinstance(error, (OSError, asyncio.CancelledError))):
                log.error("Error in %s, after its answer began", self.name, exc_info=error)
            elif self.stage != COMPLETE and not self.is_gone:
                log.error("%s returned without the end of its answer: the connection is cut", self.name)
            raise StopIteration(ANSWERED)
        if error is not None:
            if self.is_gone and isinstance(error, OSError):
                raise StopIteration(self.nobody())
            if self.stage != COMPLETE or isinstance(error, asyncio.CancelledError):
                raise error
            log.error("Error in %s, after its answer", self.name, exc_info=error)
        elif self.stage != COMPLETE and self.is_gone:
            raise StopIteration(self.nobody())
        elif self.stage != COMPLETE:
            raise RuntimeError(f"{self.name} returned without a whole answer: expected http.response.start, then http.response.body")
        raise StopIteration(self.response())

    cdef object nobody(self):
        """What to answer where nobody is: the application gave up."""
        return plain_response(503, None, EMPTY)

    # ------------------------------------------------ for the application: receive

    def receive(self):
        """Give the next message, to be awaited."""
        if type(self.body) is bytes:
            body, self.body = self.body, None
            return Ready.make({"type": "http.request", "body": body, "more_body": False})
        return self.receive_more()

    async def receive_more(self):
        if self.body is None:
            while not self.is_gone and self.stage != COMPLETE:
                if self.receivers is None:
                    self.receivers = []
                await self.promise(self.receivers)
            return {"type": "http.disconnect"}
        piece = None
        try:
            piece = await self.body.aread_some() if isinstance(self.body, IncomingBody) else self.body.read(READ_AT_ONCE)
        except ClientDisconnected:
            self.body = None
            self.is_gone = True
        except HTTPException as error:                    # the body is refused: too long, too slow, broken
            self.body = None
            self.refuse(error)
        if piece is None:
            return {"type": "http.disconnect"}
        if not piece:
            self.body = None
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    def refuse(self, error):
        """The request's body cannot be taken: answer that, whatever the application says from now on."""
        self.is_gone = True
        if self.stage != SILENT:
            return
        response = error.get_response()
        self.status, self.stage = response.status_code, COMPLETE
        self.fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
        self.pieces = [response.get_data()]

    # ------------------------------------------------ for the application: send

    def __call__(self, message):
        """Take a message: what is returned is to be awaited, and waits for room."""
        kind = message["type"]
        if self.is_gone:
            raise ConnectionResetError("send: the peer is gone")
        if kind == "http.response.body":
            return self.take_body(message)
        if kind == "http.response.start":
            return self.take_start(message)
        raise RuntimeError(f"send: expected http.response.start or http.response.body, got {kind!r}")

    cdef object take_start(self, object message):
        if self.stage != SILENT:
            raise RuntimeError("send: expected http.response.body, got a second http.response.start")
        self.status = message["status"]
        fields = message.get("headers", ())
        self.fields = fields if type(fields) is list else list(fields)
        self.stage = STARTED
        return DONE

    cdef object take_body(self, object message):
        cdef bint more = message.get("more_body", False)
        if self.stage != STARTED:
            what = "http.response.start" if self.stage == SILENT else "nothing after the last http.response.body"
            raise RuntimeError(f"send: expected {what}, got http.response.body")
        data = message.get("body", EMPTY)
        if type(data) is not bytes:
            data = bytes(data)
        if not more:
            self.stage = COMPLETE
        if self.delivery == FLOWING:
            self.write(data)
        elif data:
            if self.pieces is None:
                self.pieces = []
            self.pieces.append(data)
            self.size += len(data)
        if not more:
            self.wake(self.receivers)
            if self.delivery == FLOWING:
                self.finish_flow()
        if self.delivery == NOTHING and (not self.is_stepping or self.size > KEPT_LIMIT) and (self.stage == COMPLETE or self.size):
            self.give()
        return self.room() if more else DONE

    cdef object room(self):
        """What to await before the next piece."""
        if self.connection is None or self.is_gone or self.discards:
            return DONE
        if self.delivery == FLOWING and self.connection.wants_more:
            return DONE
        if self.delivery != FLOWING and self.size <= KEPT_LIMIT:
            return DONE
        if self.senders is None:
            self.senders = []
        return self.wait_for_room()

    async def wait_for_room(self):
        await self.promise(self.senders)

    cdef object promise(self, list waiting):
        future = get_running_loop().create_future()
        waiting.append(future)
        return future

    cdef int wake(self, list waiting) except -1:
        if waiting is not None:
            while waiting:
                future = waiting.pop()
                if not future.done():
                    future.set_result(None)
        return 0

    # ------------------------------------------------ towards the connection

    cdef object response(self):
        """The whole answer."""
        cdef list pieces = self.pieces
        body = EMPTY if pieces is None else pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.pieces = None
        if not self.is_head and 200 <= self.status < 1000:
            content_type, is_plain = plain_type(self.fields)
            if is_plain:
                return plain_response(self.status, content_type, body)
        return whole_response(status_text(self.status), texts_of(self.fields), body, None)

    cdef int give(self) except -1:
        """Let the connection have what there is, before the task's end."""
        if self.connection is None:
            return 0
        self.delivery = GIVEN
        if self.stage == COMPLETE:
            self.connection.answer_early(self.response())
        else:
            fields = texts_of(self.fields)
            self.connection.stream_early(self, lazy_response(self.status, status_text(self.status), fields, Flow(), []))
        return 0

    def start(self, iterable):
        """In a turn: the head is out; None: it is all there is."""
        self.connection.call_in_loop(self.begin_flow, iterable is None)

    def begin_flow(self, discards):
        """In the loop's thread: send what was kept."""
        self.delivery = FLOWING
        self.discards = discards
        pieces, self.pieces = self.pieces, None
        self.size = 0
        for piece in pieces or ():
            self.write(piece)
        if self.stage == COMPLETE:
            self.finish_flow()
        self.break_flow()
        if self.connection.wants_more or self.is_gone or discards:
            self.wake(self.senders)

    cdef int write(self, object data) except -1:
        if not self.discards and not self.is_gone and data and not self.connection.stream_write(data):
            self.lose()
        return 0

    cdef int finish_flow(self) except -1:
        if not self.discards and not self.is_gone:
            self.connection.stream_end()
        return 0

    cdef int break_flow(self) except -1:
        if self.is_broken and not self.discards and not self.is_gone:
            self.connection.stream_fail()
        return 0

    def resume(self):
        """The connection wants more."""
        self.connection.call_in_loop(self.go_on, None)

    def go_on(self, _):
        """In the loop's thread: let the application send its next piece."""
        self.wake(self.senders)

    def cancel(self):
        """The peer is gone."""
        self.connection.call_in_loop(self.on_gone, None)

    def on_gone(self, _):
        """In the loop's thread: whoever waits is told."""
        if self.stage != COMPLETE:
            self.lose()

    def lose(self):
        """Nobody takes the rest."""
        self.is_gone = True
        self.wake(self.receivers)
        self.wake(self.senders)


cdef Exchange new_exchange(object name, object body, bint is_head):
    cdef Exchange exchange = Exchange.__new__(Exchange)
    exchange.name = name
    exchange.body = EMPTY if body is None else body
    exchange.is_head = is_head
    return exchange


cdef tuple plain_type(list fields):
    """(the Content-Type, True) if the fields say nothing but that, and a length; ours is what the body has."""
    cdef bytes content_type = None
    cdef Py_ssize_t n
    for name, value in fields:
        if type(name) is not bytes or type(value) is not bytes:
            return None, False
        n = PyBytes_GET_SIZE(name)
        if n == 12 and content_type is None and memcmp(PyBytes_AS_STRING(name), b"content-type", 12) == 0:
            content_type = value
        elif not (n == 14 and memcmp(PyBytes_AS_STRING(name), b"content-length", 14) == 0):
            return None, False
    return JSON if content_type == JSON else content_type, True


cdef list texts_of(list fields):
    return [((<bytes?>name).decode("latin-1"), (<bytes?>value).decode("latin-1")) for name, value in fields]


DONE = Ready.make(None)

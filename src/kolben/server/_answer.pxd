"""The map of an answer on its way."""

from libc.stdint cimport int64_t

from kolben.http._response cimport PlainResponse
from kolben.http._scope cimport Scope
from kolben.server._facts cimport ConnectionFacts
from kolben.server._incoming cimport Receiver

cdef bytes TEXT
cdef object GONE

cdef object busy()


cdef class Answerer(Receiver):
    """The side of a connection that answers."""

    cdef ConnectionFacts info
    cdef object context               # contextvars.Context of the present request
    cdef Scope scope                  # whose Context that is, if it was lent; else None
    cdef int64_t since                # milliseconds: when its plan was asked to run, or its lazy body began
    cdef bint stream_chunked
    cdef int64_t stream_left          # of an announced length; -1: none
    cdef tuple closing                # (a response to be closed once its last byte is out, its context), or None
    # Microseconds, if there is an access log: its head was complete, its body too, its plan ran, its answer was made.
    cdef int64_t began, ready, started, answered
    cdef tuple noted                  # what the log is to be told once the answer is out; None: nothing
    cdef int64_t written              # bytes of a lazy body

    cdef bint answer(self, object response) except -1         # whether it is complete: `finish` is next
    cdef int finish(self) except -1
    cdef int say_last(self, PlainResponse response) except -1
    cdef int note(self, int status) except -1
    cdef int tell(self, bint whole) except -1
    cdef int begin_stream(self, object response) except -1
    cdef int drop(self, object response) except -1
    cdef int put_away(self, object response) except -1
    # What the connection does.
    cdef int end(self) except -1

"""The map of bytes in and out of one connection."""

from kolben.net._endpoint cimport Endpoint


cdef enum:
    LINGER = 30000            # milliseconds for which a closed stream tries to send what it still has


cdef class Flow(Endpoint):
    """The bytes of one connection, in both directions; a Stream has the calls to be awaited."""

    cdef bytearray _input             # received and not yet asked for; None: nothing
    cdef bint _at_end                 # the peer sent its last byte, and it was taken in
    cdef object _output               # deque of bytes that the kernel has not taken yet
    cdef Py_ssize_t _left             # of it when close() looked last
    cdef Py_ssize_t _sent             # of the first of them
    cdef readonly Py_ssize_t queued   # bytes in it
    cdef bint _is_closing             # once the output is sent, close
    cdef bint _is_shut                # send_eof() was called; what is queued goes first
    cdef bint _is_connecting
    cdef bytes _corked                # sent by its user, to be sent by us at the end of the hub's turn; None: nothing
    cdef int _receive_failure         # errno of a receive: the kernel tells of it once, we always
    cdef int _failure                 # errno of a send that nobody waited for
    cdef bytes _peer                  # its socket address as the kernel gave it
    cdef object _peer_address
    cdef object _local_address
    cdef object _tls                  # the TLS layer, or None
    cdef public Py_ssize_t high_water
    cdef public Py_ssize_t low_water

    # Bytes taken in, 0 at the end, or NOT_YET.
    cdef Py_ssize_t receive(self, unsigned char *into, Py_ssize_t room) except -1
    cdef Py_ssize_t receive_raw(self, unsigned char *into, Py_ssize_t room) except -1
    cdef Py_ssize_t receive_tls(self, unsigned char *into, Py_ssize_t room) except -1
    cdef Py_ssize_t take_in(self, Py_ssize_t room) except -1          # into _input
    cdef bytes take_out(self, Py_ssize_t n)                           # of _input
    cdef int take_back(self, bytes data) except -1                    # to the front of _input
    cdef int put(self, object data) except -1                         # into the socket, or the output
    cdef int put_raw(self, object data) except -1
    cdef int put_span(self, const char *first, Py_ssize_t size, bytes owner) except -1
    cdef int put_now(self, const char *first, Py_ssize_t size, bytes owner) except -1
    cdef int keep(self, const char *first, Py_ssize_t size, Py_ssize_t sent, bytes owner) except -1
    cdef int flush(self) except -1
    cdef int fail(self, int code) except -1
    cdef int finish_output(self) except -1
    cdef int flush_tls(self) except -1
    cdef Py_ssize_t feed_tls(self) except -1
    cdef bint shake_hands(self) except -1
    cdef int ensure_sending(self) except -1

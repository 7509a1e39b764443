"""The map of a message as it came: the head's bytes, and what was asked for so far."""

from kolben.http._headers cimport FieldsBase, INLINE_FIELDS
from kolben.wire._head cimport FieldSpan, RequestHead


cdef class ConnectionInfo:
    """What a request knows of the connection that it came on; the server's connection is one."""

    cdef readonly str scheme              # "http" or "https"
    cdef readonly object server           # (host, port), or (path, None) for a Unix socket
    cdef object _remote                   # (host, port) or None, once asked for
    cdef object remote_port               # the port as text, once asked for
    cdef bint is_gone                     # the peer has left, and waits for no answer

    cdef object make_remote(self)         # overridden by who knows the peer's address


cdef class Message:
    """Owns the head's bytes; materialises what is asked for, once."""

    cdef object __weakref__
    cdef dict __dict__                    # PERF: made with it, which costs what `renew` saves several times
    cdef bytes head                       # None: made from an environ
    cdef RequestHead span                 # offsets into `head`; span.fields points to _inline or to memory of ours
    cdef FieldSpan _inline[INLINE_FIELDS]
    cdef ConnectionInfo connection
    cdef object _method
    cdef object _path
    cdef object _query_string
    cdef object _headers
    cdef FieldsBase spent_headers         # of the request that it was before; None: none
    cdef object _environ
    cdef object _scheme
    cdef object _server
    cdef object _root_path
    cdef object _remote_addr

    # Copies what it keeps of the head at p[0:span.length].
    cdef int fill(self, const unsigned char *p, const RequestHead *span, ConnectionInfo connection) except -1
    cdef int forget(self) except -1               # all of it, but for headers that nobody has: those may be filled again
    cdef int ensure_head(self) except -1
    cdef object method_text(self)
    cdef object path_text(self)
    cdef bint has_plain_path(self) noexcept       # its bytes are its characters: no escapes, one slash at the front; of a native one
    # The value of a field by its lower-case name, all lines of it joined; None if it did not come.
    cdef object field(self, const unsigned char *name, Py_ssize_t length)
    cdef bint is_head_method(self) noexcept

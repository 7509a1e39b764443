"""The fields of every answer: Date, Server, and what this process was told to add.

Refuses to know what an answer says itself: who writes one says which of these it has given.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy
from libc.time cimport time, time_t

from kolben.http._request cimport RequestBase
from kolben.wire._writer cimport Output, write_field

import logging
from email.utils import formatdate

from kolben.base.errors import LocalProtocolError

cdef enum:
    DATE_ROOM = 2048              # bytes

cdef object log = logging.getLogger("kolben.http")
cdef bytes SERVER = b"Server: kolben\r\n"
cdef bytes server_line = SERVER   # b"": none
cdef dict house_lines = {}        # lower-case name: line
cdef dict request_values = None   # lower-case name: (name, function of the request that gives the value); None: there are none
house_sizes = 0


# ---------------------------------------------------------------- Date, cached per second

cdef time_t date_second = 0
cdef char date_field[DATE_ROOM]   # "Date: Sun, 22 Nov 2026 05:00:00 GMT\r\nServer: kolben\r\n", and the house fields
cdef Py_ssize_t date_length = 0   # of the Date line
cdef Py_ssize_t both_length = 0   # with the lines that follow


cdef int refresh_date() except -1:
    """Keep the Date line of the present second (RFC 9110, section 6.6.1)."""
    global date_second, date_length, both_length
    cdef time_t now = time(NULL)
    if now != date_second:
        line = f"Date: {formatdate(now, usegmt=True)}\r\n".encode("ascii")
        date_length = len(line)
        both = line + server_line + b"".join(house_lines.values())
        both_length = len(both)
        memcpy(date_field, PyBytes_AS_STRING(both), both_length)
        date_second = now
    return 0


# ---------------------------------------------------------------- what they are

def set_house_fields(fields, *, bint server=True):
    """Say which fields stand in every answer of this process, refusals and crashes included, unless the application gives its own.

    Args:
        fields: Pairs of name and value; they replace those set before.  A function instead of a value is called with the request, or
            with None where there is none, and returns the value, or None to leave the field out.
        server: Whether the Server field is one of them.

    Raises:
        LocalProtocolError: a name or a value that must not go on the wire, or more than fits.
    """
    global server_line, house_lines, house_sizes, request_values, date_second
    cdef Output output
    lines = {}
    values = {}
    sizes = 0
    for name, value in fields:
        sizes |= 1 << min(len(name), 63)
        if callable(value):
            values[name.lower()] = (name, value)
            continue
        output = Output()
        write_field(output, name, value)
        lines[name.lower()] = bytes(output)
    if sum(map(len, lines.values())) > DATE_ROOM - 128:
        raise LocalProtocolError(f"fields of every answer: expected at most {DATE_ROOM - 128} bytes")
    server_line = SERVER if server else b""
    house_lines, house_sizes, request_values = lines, sizes, values or None
    date_second = 0


# ---------------------------------------------------------------- written

cdef int write_house_fields(Output output, RequestBase request, bint has_date, bint has_server, set given) except -1:
    refresh_date()
    if not has_date and not has_server and given is None:
        output.write(<const unsigned char *>date_field, both_length)
    else:
        if not has_date:
            output.write(<const unsigned char *>date_field, date_length)
        if not has_server:
            output.write(<const unsigned char *>PyBytes_AS_STRING(server_line), PyBytes_GET_SIZE(server_line))
        for name, line in house_lines.items():
            if given is None or name not in given:
                output.write(<const unsigned char *>PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line))
    return 0 if request_values is None else write_request_fields(output, request, given)


cdef int write_request_fields(Output output, RequestBase request, set given) except -1:
    """Write the house fields whose values the request decides; whatever befalls one, the answer goes out without it."""
    cdef Py_ssize_t start
    for name, (written, function) in request_values.items():
        if given is not None and name in given:
            continue
        start = output.length
        try:
            value = function(request)
            if value is not None:
                write_field(output, written, value)
        except Exception:
            output.length = start
            log.exception("The field %s of an answer could not be made", written)
    return 0

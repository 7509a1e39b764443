"""A name server over UDP: `kolben run dns.py`, then `dig @127.0.0.1 -p 5353 kolben.test`.

`answer` is the whole protocol (RFC 1035): a question's bytes in, an answer's bytes out, no socket.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from kolben import App

A, TXT, AAAA, ANY = 1, 16, 28, 255
INTERNET = 1
NO_ERROR, FORMAT_ERROR, NAME_ERROR, NOT_IMPLEMENTED = 0, 1, 3, 4
HEADER = struct.Struct("!6H")  # id, flags, and how many questions, answers, authorities, additions (section 4.1.1)
ANSWER, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED = 0x8000, 0x0400, 0x0200, 0x0100
LONGEST = 512  # bytes of an answer over UDP (section 2.3.4)
TO_THE_QUESTION = b"\xc0\x0c"  # a pointer to the name that stands behind the header (section 4.1.4)
TTL = 60  # seconds

ZONE = {
    "kolben.test": {A: [IPv4Address("192.0.2.1")], AAAA: [IPv6Address("2001:db8::1")], TXT: ["A piston, and a laboratory flask."]},
    "www.kolben.test": {A: [IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")]},
}


class MalformedError(Exception):
    """The question breaks RFC 1035."""


@dataclass
class Question:
    name: str
    type: int
    wire: bytes  # as it stood there, to be repeated in the answer


def answer(query, zone=ZONE):
    """Return the answer's bytes; None where there is nobody to answer, such as to an answer."""
    if len(query) < HEADER.size:
        return None
    number, flags, questions, *_ = HEADER.unpack_from(query)
    if flags & ANSWER:
        return None
    opcode = flags & 0x7800
    head = ANSWER | AUTHORITATIVE | opcode | flags & RECURSION_DESIRED
    if opcode or questions != 1:
        return HEADER.pack(number, head | (NOT_IMPLEMENTED if opcode else FORMAT_ERROR), 0, 0, 0, 0)
    try:
        question = read_question(query)
    except MalformedError:
        return HEADER.pack(number, head | FORMAT_ERROR, 0, 0, 0, 0)
    kinds = zone.get(question.name.lower())
    if kinds is None:
        return HEADER.pack(number, head | NAME_ERROR, 1, 0, 0, 0) + question.wire
    found = [record(kind, value) for kind, values in kinds.items() if question.type in {kind, ANY} for value in values]
    whole = HEADER.pack(number, head, 1, len(found), 0, 0) + question.wire + b"".join(found)
    if len(whole) <= LONGEST:
        return whole
    return HEADER.pack(number, head | TRUNCATED, 1, 0, 0, 0) + question.wire  # who asks comes again over TCP


def read_question(query):
    """Read the one question behind the header."""
    labels, at = [], HEADER.size
    while True:
        if at >= len(query):
            raise MalformedError("the name does not end")
        length = query[at]
        if length > 63:  # also a pointer: there is nothing before the question that it could point to
            raise MalformedError("a label is longer than 63 bytes")
        at += 1
        if not length:
            break
        labels.append(query[at : at + length].decode("latin-1"))
        at += length
        if at - HEADER.size > 255:
            raise MalformedError("the name is longer than 255 bytes")
    if len(query) < at + 4:
        raise MalformedError("type and class are missing")
    return Question(".".join(labels), int.from_bytes(query[at : at + 2], "big"), query[HEADER.size : at + 4])


def record(kind, value):
    """Write one answer about the name that was asked for."""
    data = bytes([len(value)]) + value.encode() if kind == TXT else value.packed
    return TO_THE_QUESTION + struct.pack("!HHIH", kind, INTERNET, TTL, len(data)) + data


app = App(__name__)


@app.udp("127.0.0.1:5353")
def dns(datagram):
    return answer(datagram.data)


@app.get("/")
def index():
    return {name: [str(value) for values in kinds.values() for value in values] for name, kinds in ZONE.items()}

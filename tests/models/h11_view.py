"""The first request in some bytes as h11 reads it, as we read it, and where the two may differ.

The rule: what we take, h11 takes, and it means the same.  What we refuse and h11 takes is in STRICTER; what we take and h11
refuses is in LENIENT.  Anything else is a finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import h11

from kolben.base import Limits, RemoteProtocolError
from kolben.wire import NEED_DATA, PAUSED, BodyChunk, EndOfMessage, H1Receiver, RequestHead

# How our refusals begin where h11 takes the message, and why it is refused.
STRICTER = {
    "Host:": "RFC 9112, section 3.2: an invalid Host MUST be 400; h11 does not look into it",
    "target:": "RFC 9112, section 3.2: one of four forms; h11 takes any visible bytes",
    "request line: expected one space": "RFC 9112, section 3.2: bytes that no target has, and bare LF",
    "request line: expected HTTP/1.1": "RFC 9110, section 15.6.6: another major version; bare LF (RFC 9112, section 2.2)",
    "request line: expected a method": "RFC 9112, section 2.2: a bare CR or LF before it",
    "field value:": "RFC 9110, section 5.5: control characters; bare LF (RFC 9112, section 2.2)",
    "field line:": "RFC 9112, section 5.2: obs-fold; bare LF as the empty line",
    "line end:": "RFC 9112, section 2.2: a bare CR",
    "Transfer-Encoding: expected it once": "RFC 9112, sections 6.1 and 6.3: beside Content-Length, or in HTTP/1.0",
    "Content-Length:": "RFC 9110, section 8.6: repeated, even if identical; too long",
    "Expect:": "RFC 9110, section 10.1.1: 417 for another expectation",
    "chunk size:": "RFC 9112, section 7.1: no whitespace before CRLF, 16 digits, no bare LF",
    "chunk extension:": "RFC 9112, section 7.1.1: its grammar; h11 takes any bytes",
    "trailer:": "RFC 9112, section 7.1.2; RFC 9110, section 6.5.1: as fields, and none about framing",
}
# What we take and h11 does not.
LENIENT = {
    "RFC 9112, section 2.2: a few empty lines before a request": re.compile(rb"\A(?:\r\n)+"),
    "RFC 9112, section 7.1.1: whitespace before an extension": re.compile(rb"\n[0-9a-fA-F]+[ \t]+;"),
    "RFC 9112, section 2.3: a minor version above 1 counts as 1": re.compile(rb"\A\S+ \S+ HTTP/1\.[2-9]\r\n"),
}


@dataclass
class Seen:
    """What somebody made of the bytes."""

    head: tuple[object, ...] | None = None
    body: bytes = b""
    complete: bool = False
    rest: bytes = b""
    refusal: str = ""


def ours(data: bytes) -> Seen:
    receiver = H1Receiver(Limits(request_line=0, head=0, field_count=0, body=0))
    seen = Seen()
    receiver.receive_data(data)
    try:
        while (event := receiver.next_event()) not in {NEED_DATA, PAUSED}:
            if isinstance(event, RequestHead):
                # h11 lowers names, and the value of Transfer-Encoding.
                fields = [
                    (lower := name.lower(), value.lower() if lower == b"transfer-encoding" else value) for name, value in event.fields
                ]
                seen.head = (event.method.encode(), event.target, fields)
            elif isinstance(event, BodyChunk):
                seen.body += event.data
            elif isinstance(event, EndOfMessage):
                seen.complete = True
                seen.rest = receiver.trailing_data
    except RemoteProtocolError as error:
        seen.refusal = str(error)
    return seen


def theirs(data: bytes) -> Seen:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    seen = Seen()
    connection.receive_data(data)
    try:
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                seen.head = (event.method, event.target, list(event.headers))
            elif isinstance(event, h11.Data):
                seen.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                seen.complete = True
                seen.rest = connection.trailing_data[0]
                break  # what follows a message that closes the connection is not the message's matter
    except h11.RemoteProtocolError as error:
        seen.refusal = str(error) or "refused"
    return seen


def disagreement(data: bytes) -> str:
    """Return what is wrong, or an empty string."""
    us, them = ours(data), theirs(data)
    if us.refusal:
        if them.refusal or not them.complete or any(us.refusal.startswith(start) for start in STRICTER):
            return ""
        return f"we refuse ({us.refusal}), h11 takes {them}"
    if not us.complete:
        return "" if not them.complete else f"we wait, h11 takes {them}"
    if any(pattern.search(data) for pattern in LENIENT.values()) and them.refusal:
        return ""
    return "" if us == them else f"we read {us}, h11 {them}"

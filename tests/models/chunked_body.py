"""The chunked coding as a regular expression: slow, whole bodies only, and easy to compare with RFC 9112, section 7.1."""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
BWS = rb"[ \t]*"
QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
EXTENSION = BWS + rb";" + BWS + TOKEN + rb"(?:" + BWS + rb"=" + BWS + rb"(?:" + TOKEN + rb"|" + QUOTED + rb"))?"
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:" + EXTENSION + rb")*\r\n")
TRAILERS = re.compile(rb"(?:" + TOKEN + rb":[\t \x21-\x7e\x80-\xff]*\r\n)*\r\n")
FORBIDDEN = re.compile(rb"^(?:content-length|transfer-encoding|host):", re.IGNORECASE | re.MULTILINE)


def decode(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the body and what follows it, or None if `data` does not begin with a good and complete body."""
    body = b""
    at = 0
    while True:
        line = SIZE_LINE.match(data, at)
        if line is None or (size := int(line[1], 16)) >> 63:
            return None
        at = line.end()
        if size == 0:
            trailers = TRAILERS.match(data, at)
            good = trailers is not None and not FORBIDDEN.search(trailers[0])
            return (body, data[trailers.end() :]) if trailers is not None and good else None
        body += data[at : at + size]
        at += size
        if data[at : at + 2] != b"\r\n":
            return None
        at += 2

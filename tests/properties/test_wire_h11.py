"""Whatever comes: we and h11 read the same, or the difference is one that we have a reason for.

KOLBEN_EXAMPLES says how many messages are tried.
"""

import os
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.models.h11_view import disagreement
from tests.wire.reading import bytewise, read

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "120"))
thorough = settings(max_examples=EXAMPLES, deadline=None)
METHODS = [b"GET", b"POST", b"OPTIONS", b"CONNECT", b"get", b"G(T", b""]
TARGETS = [b"/", b"/a?b", b"*", b"http://a:80/x", b"a:80", b"http://u@a/", b"/\xff", b"/a b", b"/#", b"", b"ftp://a/"]
VERSIONS = [b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.10", b"http/1.1", b""]
ENDS = [b"\r\n"] * 30 + [b"\n", b"\r", b"\r\n ", b""]
FIELDS = [b"Host: a", b"Host: a b", b"X: y", b"X:", b"X : y", b"X: \t y\tz ", b"X: \x00", b"X: \x85", b": y", b"X", b" X: y"]
FIELDS += [
    b"Content-Length: 5",
    b"content-length: 0",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length: 99999999999999999999999",
]
FIELDS += [
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"transfer-encoding: Chunked ",
    b"Transfer-Encoding:",
    b"Expect: 100-continue",
]
FIELDS += [b"Connection: close", b"Connection: keep-alive, Upgrade", b"Upgrade: x", b"Expect: x"]
BODIES = [
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;a=b\r\nhello\r\n00;c\r\nX: y\r\n\r\nrest",
    b"5 \r\nhello\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
]
BODIES += [
    b"0\r\nHost: b\r\n\r\n",
    b"g\r\n",
    b"5;\r\n",
    b"1 ;a\r\nx\r\n0\r\n\r\n",
    b"1\nx\n0\n\n",
    b"0x1\r\nx\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
]


@st.composite
def requests(draw) -> bytes:
    pick = lambda options: draw(st.sampled_from(options))  # noqa: E731 - one line each, beside what they are made of
    end = lambda: pick(ENDS)  # noqa: E731 - one line each, beside what they are made of
    line = pick([b"", b"", b"", b"\r\n"]) + pick(METHODS) + pick([b" "] * 9 + [b"  "]) + pick(TARGETS) + b" " + pick(VERSIONS) + end()
    fields = draw(st.lists(st.sampled_from(FIELDS), max_size=4))
    if draw(st.integers(0, 4)):
        fields.insert(0, b"Host: a")
    return line + b"".join(field + end() for field in fields) + end() + pick(BODIES)


@st.composite
def damaged(draw) -> bytes:
    """A request of which some bytes were changed, removed or doubled."""
    data = bytearray(draw(requests()))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data[at : at + draw(st.integers(0, 1))] = draw(st.binary(max_size=2))
    return bytes(data)


@given(damaged())
@thorough
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
@example(b"\r\nGET / HTTP/1.2\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0\r\n\r\n")
def test_we_and_h11_agree_or_have_a_reason(data):
    assert not disagreement(data)


@given(damaged(), st.lists(st.integers(0, 200), max_size=4))
@thorough
def test_what_is_read_does_not_depend_on_the_cuts(data, cuts):
    whole = read(data)
    assert bytewise(data) == whole
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert read(*[piece for a, b in pairwise(edges) if (piece := data[a:b])]) == whole

"""kolben/wire/_head: where it goes on, what it limits, what it remembers.  The grammar's rules stand in tests/rfc."""

import pytest
from tests.wire.reading import NO_LIMITS, bytewise, head, read, status, with_fields

from kolben.base import Limits
from kolben.wire._head import HeadParser

REQUESTS = {
    "wrk": b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n",
    "empty lines": b"\r\n\r\nGET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute": b"OPTIONS http://a.example:80?x HTTP/1.1\r\nHost: b\r\nConnection: close, upgrade\r\nUpgrade: x\r\n\r\n",
    "old": b"GET /%41 HTTP/1.0\r\nConnection: Keep-Alive\r\nX: \t a\tb \t\r\n\r\n",
    "two": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\nGET",
    "bad method": b"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad version": b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
    "bad line end": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    "bad value": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\nY Z: c\r\n\r\n",
    "bad coding, then a bad line": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nY Z: c\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX: a\r\n\r\n",
    "five empty lines": b"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "CR in place of the empty line": b"GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
    "CR first": b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
}
BROWSER = with_fields(*[b"X-Field-%d: %s" % (i, b"v" * 40) for i in range(12)])


@pytest.mark.parametrize("data", REQUESTS.values(), ids=REQUESTS)
def test_what_is_read_does_not_depend_on_where_the_bytes_were_cut(data):
    """RFC 9112, section 2.2: a message is a sequence of octets; packets mean nothing."""
    whole = read(data)
    assert whole
    assert bytewise(data) == whole
    for cut in range(1, len(data)):
        assert read(data[:cut], data[cut:]) == whole


def test_a_head_that_grows_is_not_complete_before_its_empty_line():
    parser = HeadParser()
    resume = 0
    for length in range(1, len(BROWSER)):
        complete, resume = parser.parse_bytes(BROWSER[:length], resume)
        assert not complete
    assert parser.parse_bytes(BROWSER, resume) == (True, len(BROWSER))


def test_one_parser_serves_many_connections_at_once():
    """It holds nothing between two calls but what `resume` says."""
    parser = HeadParser()
    first, second = with_fields(b"A: b"), b"GET /other HTTP/1.1\r\nHost: b\r\n\r\n"
    _, resume = parser.parse_bytes(first[:-3])
    assert parser.parse_bytes(second) == (True, len(second))
    assert parser.parse_bytes(first, resume) == (True, len(first))
    assert parser.parsed(first)["fields"] == ((b"Host", b"example.org"), (b"A", b"b"))


def test_bytes_behind_the_head_are_not_touched():
    assert HeadParser().parse_bytes(BROWSER + b"\0\r\nbody") == (True, len(BROWSER))


def test_no_bytes_are_no_head():
    assert HeadParser().parse_bytes(b"") == (False, 0)


def test_complete_lines_are_not_looked_at_again():
    """Counted, not timed: bytes that changed behind the parser's back after their line was complete go unnoticed until the end."""
    parser = HeadParser()
    data = bytearray(b"GET / HTTP/1.1\r\nHost: a\r\nX: y")
    _, resume = parser.parse_bytes(data)
    data[16:20] = b"\0\0\0\0"
    data += b"z\r\n"
    assert parser.parse_bytes(data, resume)[0] is False


def test_an_incomplete_line_is_searched_once_for_its_end():
    """The same trick within a line: an LF that appears where the search has been is not found."""
    parser = HeadParser()
    data = bytearray(b"GET / HTTP/1.1\r\nHost: aaaaaaaaaaaaa")
    _, resume = parser.parse_bytes(data)
    data[-5] = 10
    assert parser.parse_bytes(data + b"a", resume)[0] is False


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nHost: a\n", b"GET  / HTTP/1.1\r\n", b"\x16\x03\x01", b"\n", b" "]
)
def test_what_is_certainly_bad_is_refused_before_the_head_is_complete(data):
    """A line is judged when it is complete; a first byte that begins no request, at once."""
    assert status(data) == 400
    assert bytewise(data) == read(data)


def test_a_request_line_of_the_limit_is_taken_and_one_byte_more_is_414():
    """RFC 9112, section 3: the line without its CRLF counts."""
    line = b"GET /%s HTTP/1.1" % (b"a" * 50)
    rest = b"\r\nHost: a\r\n\r\n"
    for limit, expected in ((len(line) + 1, None), (len(line), None), (len(line) - 1, 414)):
        limits = Limits(request_line=limit)
        assert status(line + rest, limits=limits) == expected
        assert bytewise(line + rest, limits) == read(line + rest, limits=limits)


def test_a_request_line_without_an_end_is_414_as_soon_as_it_is_too_long():
    limits = Limits(request_line=20)
    assert status(b"G" * 20, limits=limits) is None
    assert status(b"G" * 20 + b"\r", limits=limits) is None
    assert status(b"G" * 21, limits=limits) == 414
    assert status(*[b"G"] * 21, limits=limits) == 414


def test_empty_lines_before_it_count_as_part_of_the_request_line():
    data = b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert status(data, limits=Limits(request_line=18)) is None
    assert status(data, limits=Limits(request_line=17)) == 414
    assert bytewise(data, Limits(request_line=17)) == read(data, limits=Limits(request_line=17))


def test_field_lines_of_the_limit_are_taken_and_one_byte_more_is_431():
    """RFC 6585, section 5: the field lines with their CRLFs count, the request line and the empty line do not."""
    fields = b"Host: a\r\nX: %s\r\n" % (b"b" * 40)
    data = b"GET / HTTP/1.1\r\n" + fields + b"\r\n"
    for limit, expected in ((len(fields) + 1, None), (len(fields), None), (len(fields) - 1, 431)):
        limits = Limits(head=limit)
        assert status(data, limits=limits) == expected
        assert bytewise(data, limits) == read(data, limits=limits)
        assert all(read(data[:cut], data[cut:], limits=limits) == read(data, limits=limits) for cut in range(1, len(data)))


@pytest.mark.parametrize("endless", [b"a", b"X: y\r\n"])
def test_field_lines_without_an_end_are_431_as_soon_as_they_are_too_long(endless):
    limits = Limits(head=30)
    data = b"GET / HTTP/1.1\r\n" + endless * 100
    assert status(data[: 16 + 30], limits=limits) is None
    assert status(data[: 16 + 32], limits=limits) == 431
    assert bytewise(data, limits) == read(data, limits=limits)


def test_a_bad_line_that_passes_the_limit_is_431_wherever_it_was_cut():
    limits = Limits(head=20)
    data = b"GET / HTTP/1.1\r\nHost: a\r\nX Y: 12345678901234567890\r\n\r\n"
    assert status(data, limits=limits) == 431
    assert bytewise(data, limits) == read(data, limits=limits)


@pytest.mark.parametrize("count", [99, 100, 101, 150])
def test_more_fields_than_the_limit_are_431(count):
    data = with_fields(*[b"X: y"] * (count - 1))
    assert status(data) == (431 if count > 100 else None)
    assert bytewise(data) == read(data)


def test_limits_of_zero_are_none():
    data = with_fields(*[b"X: " + b"y" * 100] * 2000)
    assert len(head(data, NO_LIMITS).fields) == 2001
    assert head(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", NO_LIMITS).path == b"/" + b"a" * 100_000


def test_limits_below_zero_are_a_mistake():
    with pytest.raises(ValueError, match="expected 0"):
        HeadParser(-1)


def test_a_refusal_shows_no_more_than_forty_bytes():
    (_, message), *_ = read(with_fields(b"Content-Length: " + b"x" * 500))
    assert "'" + "x" * 40 + "'" in message
    assert "x" * 41 not in message


def test_parsed_asks_for_the_bytes_that_were_parsed():
    parser = HeadParser()
    parser.parse_bytes(BROWSER)
    with pytest.raises(ValueError, match="expected the bytes"):
        parser.parsed(BROWSER[:-1])

"""kolben/wire/_chunk: cuts, limits, what is left over."""

import pytest

from kolben.base import LimitExceeded, RemoteProtocolError
from kolben.wire._chunk import ChunkedBody


def decode(*pieces: bytes, limit: int = 1000) -> tuple[bytes, bytes | None] | tuple[int, str]:
    """Return the body and what follows it (None: it has no end), or the refusal."""
    decoder = ChunkedBody(limit)
    body = b""
    rest = list(pieces)
    try:
        while rest:
            piece = rest.pop(0)
            while piece:
                used, data, ended = decoder.decode(piece)
                assert used
                body += data
                piece = piece[used:]
                if ended:
                    return body, piece + b"".join(rest)
    except RemoteProtocolError as error:
        return error.status, str(error)
    return body, None


def bytewise(data: bytes, limit: int = 1000):
    return decode(*[data[i : i + 1] for i in range(len(data))], limit=limit)


GOOD = {
    b"0\r\n\r\n": b"",
    b"5\r\nhello\r\n0\r\n\r\n": b"hello",
    b"5\r\nhello\r\nA\r\n0123456789\r\n00\r\n\r\n": b"hello0123456789",
    b"000000000000000a\r\n0123456789\r\n0000000000000000\r\n\r\n": b"0123456789",
    b"1;a\r\nx\r\n0;z\r\n\r\n": b"x",
    b'1;a=b;c="d;\\"\\\\e\t\xff";f\r\nx\r\n0\r\n\r\n': b"x",
    b"1 ; a = b\t;\tc\r\nx\r\n0\r\n\r\n": b"x",
    b"1\r\n\n\r\n0\r\nX: y\r\nZ:\r\nHosts: a\r\nHos: b\r\nContent-Length2: 5\r\nXHost: c\r\n\r\n": b"\n",
}
BAD = [
    b"\r\n", b"g\r\n", b"0x5\r\n", b" 5\r\n", b"+5\r\n", b"-5\r\n", b"5 \r\n", b"5\t\r\n", b"5junk\r\n", b"5\0", b"\xb9\r\n",
    b"5_0\r\n", b";a\r\n", b"5\n", b"5\rX", b"5;\r\n", b"5;;a\r\n", b"5;a\nb", b"5;a\0", b"5;a=\r\n", b"5;a=b=c\r\n",
    b'5;a="\r\n', b'5;a="\\\r\n', b'5;a="b"c\r\n', b"5;a \r\n", b"5;a=b \r\n", b'5;a="b" \r\n', b"5;a;(\r\n", b'5;a="\x7f"\r\n',
    b"1\r\nxy", b"1\r\nx\n", b"1\r\nx\rX", b"1\r\nx\r\n\r\n", b"0\r\n\n", b"0\r\n\rX", b"0\r\nX\r\n", b"0\r\n X: y\r\n",
    b"0\r\nX : y\r\n", b"0\r\nX: y\n", b"0\r\nX: y\rZ", b"0\r\nX: \0", b"0\r\n: y\r\n", b"0\r\nX: y\r\n z\r\n", b"0\r\nX(: y\r\n",
]  # fmt: skip


@pytest.mark.parametrize("data", GOOD)
def test_a_body_ends_where_its_coding_says_wherever_it_was_cut(data):
    """RFC 9112, section 7.1."""
    for rest in (b"", b"GET / HTTP/1.1\r\n"):
        assert decode(data + rest) == bytewise(data + rest) == (GOOD[data], rest)
        for cut in range(1, len(data)):
            assert decode(data[:cut], data[cut:] + rest) == (GOOD[data], rest)


@pytest.mark.parametrize("data", GOOD)
def test_a_body_that_stops_early_has_no_end(data):
    for length in range(len(data)):
        body, rest = decode(data[:length])
        assert rest is None
        assert GOOD[data].startswith(body)


@pytest.mark.parametrize("data", BAD)
def test_broken_coding_is_refused_wherever_it_was_cut(data):
    """RFC 9112, section 7.1.  A decoder that goes on after an error is a smuggler's friend."""
    refusal = decode(data)
    assert refusal[0] == 400
    assert bytewise(data) == refusal
    for cut in range(1, len(data)):
        assert decode(data[:cut], data[cut:]) == refusal


def test_a_size_of_sixty_three_bits_is_taken():
    assert decode(b"7fffffffffffffff\r\nx") == (b"x", None)


@pytest.mark.parametrize("size", [b"8000000000000000", b"ffffffffffffffff", b"10000000000000005", b"00000000000000001", b"0" * 1000])
def test_a_size_that_could_overflow_is_refused(size):
    """RFC 9112, section 7.1: a recipient MUST anticipate large numbers and prevent overflows."""
    assert decode(size + b"\r\nhello\r\n")[0] == 400


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "TRANSFER-ENCODING", "Host", "hOST"])
def test_a_trailer_that_would_change_the_framing_or_the_host_is_refused(name):
    """RFC 9110, section 6.5.1."""
    for first in (b"", b"X: y\r\n"):
        data = b"0\r\n" + first + name.encode() + b": 5\r\n\r\n"
        assert decode(data)[0] == 400
        assert bytewise(data) == decode(data)


@pytest.mark.parametrize("data", [b"1;abc\r\nx\r\n1;a=\r\n", b"0\r\nX: yz\r\n\r\n", b'1;ab\r\nx\r\n0;c="d'])
def test_extensions_and_trailers_of_the_limit_are_taken_and_one_byte_more_is_431(data):
    """RFC 9112, section 7.1.1: a recipient ought to limit them.  What counts: from ";" to before CRLF, and trailer lines whole."""
    counted = {b"1;abc\r\nx\r\n1;a=\r\n": 7, b"0\r\nX: yz\r\n\r\n": 7, b'1;ab\r\nx\r\n0;c="d': 8}[data]
    for limit in (counted + 1, counted, 0):
        assert decode(data, limit=limit)[0] != 431
    assert decode(data, limit=counted - 1)[0] == 431
    assert bytewise(data, limit=counted - 1) == decode(data, limit=counted - 1)


@pytest.mark.parametrize("endless", [b"5;" + b"a" * 5000, b"0\r\n" + b"X: y\r\n" * 1000, b"1;aaaaaaaaa\r\nx\r\n" * 1000])
def test_endless_extensions_and_trailers_are_431(endless):
    assert decode(endless)[0] == 431


def test_three_thousand_tiny_chunks_are_no_overhead():
    assert decode(b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n", limit=1) == (b"x" * 3000, b"")


def test_a_decoder_is_ready_for_the_next_body_when_one_ended():
    decoder = ChunkedBody(10)
    for _ in range(5):
        assert decoder.decode(b"0;abcdef\r\n\r\n") == (12, b"", True)


def test_a_limit_is_told_as_a_limit():
    with pytest.raises(LimitExceeded, match="at most 3 bytes"):
        ChunkedBody(3).decode(b"1;abc")
    with pytest.raises(ValueError, match="expected 0"):
        ChunkedBody(-1)

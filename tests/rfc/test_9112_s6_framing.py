"""RFC 9112, section 6: how long a body is, and requests that want to be misread."""

import pytest
from tests.wire.reading import chunked, head, read, status, with_fields


@pytest.mark.parametrize(("text", "expected"), [(b"0", 0), (b"5", 5), (b"005", 5), (b"1000000", 1_000_000)])
def test_content_length_is_decimal_digits(text, expected):
    """RFC 9110, section 8.6."""
    assert read(with_fields(b"content-lengTH: " + text))[0].content_length == expected


@pytest.mark.parametrize(
    "text", [b"", b"+5", b"-5", b"-0", b"0x5", b"1_0", b"5a", b"5 5", b"5.0", b"5, 6", b"5,5", b"\xb2", b"\xef\xbc\x95", b"5;", b"\x0b5"]
)
def test_any_other_content_length_is_400(text):
    """Section 6.3: an invalid one is an unrecoverable error."""
    assert status(with_fields(b"Content-Length: " + text)) == 400


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Content-Length: 5"),
        (b"Content-Length: 0", b"Content-Length: 5"),
        (b"Content-Length:", b"Content-Length: 5"),
    ],
)
def test_two_content_lengths_are_400_even_if_they_agree(lines):
    """RFC 9110, section 8.6 lets a recipient take identical ones; no honest client sends them."""
    assert status(with_fields(*lines)) == 400


@pytest.mark.parametrize(
    ("text", "expected"), [(b"9223372036854775807", 413), (b"9223372036854775808", 413), (b"9" * 5000, 413), (b"9" * 30 + b"x", 400)]
)
def test_a_huge_content_length_does_not_wrap(text, expected):
    assert status(with_fields(b"Content-Length: " + text)) == expected


def test_a_length_of_more_than_thirty_two_bits_is_what_it_says():
    from kolben.base import Limits

    event, _ = read(with_fields(b"Content-Length: 4294967301"), limits=Limits(body=0))
    assert event.content_length == 4294967301


@pytest.mark.parametrize("line", [b"Transfer-Encoding: chunked", b"transfer-ENCODING: CHunked", b"Transfer-Encoding:\tchunked "])
def test_a_chunked_body_is_chunked(line):
    event, body = read(with_fields(line) + b"5\r\nhello\r\n0\r\n\r\n")
    assert (event.chunked, event.content_length, body) == (True, None, b"hello")


@pytest.mark.parametrize("text", [b"gzip", b"identity", b"xchunked", b"chunkedx", b"gzip, chunked", b"gzip,deflate"])
def test_an_unknown_coding_is_501(text):
    """Section 6.1."""
    assert status(with_fields(b"Transfer-Encoding: " + text)) == 501


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b",",
        b"chunked,",
        b",chunked",
        b"chunked, chunked",
        b"chunked, gzip",
        b"chunked, identity",
        b'"chunked"',
        b"\xffchunked",
        b"chunked;q=1",
        b"chun ked",
    ],
)
def test_a_coding_that_cannot_be_framed_is_400(text):
    """Section 6.3: chunked is last, and once."""
    assert status(with_fields(b"Transfer-Encoding: " + text)) == 400


@pytest.mark.parametrize(
    "other", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Content-Length: 5", b"content-LENGTH: 0"]
)
def test_transfer_encoding_beside_another_framing_is_400(other):
    """Section 6.1: a server MAY refuse; who obeys either one is smuggled through."""
    assert status(with_fields(b"Transfer-Encoding: chunked", other)) == 400
    assert status(with_fields(other, b"Transfer-Encoding: chunked")) == 400


def test_transfer_encoding_in_http_1_0_is_400():
    """Section 6.1: such a message MUST be treated as if its framing were faulty."""
    assert status(with_fields(b"Transfer-Encoding: chunked", version=b"1.0")) == 400


def test_names_that_only_look_like_framing_are_other_fields():
    event = head(with_fields(b"Transfer_Encoding: chunked", b"Content_Length: 5", b"Content-Length2: 5"))
    assert (event.chunked, event.content_length) == (False, None)


def test_a_request_without_framing_has_no_body():
    """Section 6.3, case 7."""
    assert read(with_fields(method=b"POST") + with_fields())[1::2] == [b"", b""]


def test_a_body_is_not_read_as_a_request():
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for data in (with_fields(b"Content-Length: %d" % len(hidden)) + hidden, chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden))):
        assert [event.target for event in read(data + with_fields())[::2]] == [b"/", b"/"]

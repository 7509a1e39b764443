"""RFC 9112, section 5: field lines."""

import pytest
from tests.wire.reading import head, status, with_fields

TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def value(line: bytes) -> bytes:
    return head(with_fields(line)).fields[1][1]


def test_a_name_is_a_token():
    """Section 5; RFC 9110, section 5.6.2.  A colon ends it."""
    taken = bytes(byte for byte in range(256) if status(with_fields(b"X%cY: a" % byte)) is None)
    assert set(taken) == set(TOKEN_BYTES + b":")


@pytest.mark.parametrize("before", [0, 7, 8, 30])
def test_a_value_has_no_control_character_but_htab(before):
    """RFC 9110, section 5.5: NUL, CR and LF MUST be refused or replaced; we refuse the other ones, too."""
    for byte in range(256):
        text = b"a" * before + b"%cb" % byte
        good = byte == 9 or (byte >= 32 and byte != 127)
        assert status(with_fields(b"X: " + text)) == (None if good else 400)
        if good:
            assert value(b"X: " + text) == text.lstrip(b" \t")


@pytest.mark.parametrize("line", [b"X : a", b"X\t: a", b"Host : a", b": a", b"JustAName", b"X\x85: a", b"Content-Length : 5", b""":a"""])
def test_a_line_without_a_name_and_a_colon_is_400(line):
    """Section 5.1: whitespace between them MUST be refused."""
    assert status(with_fields(line)) == 400


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"X:", b""),
        (b"X: ", b""),
        (b"X: \t ", b""),
        (b"X:a", b"a"),
        (b"X:\t a b \t", b"a b"),
        (b"X: \xa0v\x85", b"\xa0v\x85"),
        (b"X: caf\xc3\xa9", b"caf\xc3\xa9"),
    ],
)
def test_whitespace_around_a_value_is_space_and_htab_only(line, expected):
    """Section 5.1: it is not part of the value; what str.strip() takes for whitespace is."""
    assert value(line) == expected


@pytest.mark.parametrize("line", [b"X: a\r\n b", b"X: a\r\n\tb", b"X:\r\n a", b"Transfer-\r\nEncoding: chunked"])
def test_a_folded_line_is_400(line):
    """Section 5.2: a server MUST refuse it, or replace the fold by spaces."""
    assert status(with_fields(line)) == 400


def test_fields_keep_their_order_their_case_and_their_repeats():
    event = head(with_fields(b"x-A: 1", b"X-B: z", b"X-a: 2"))
    assert event.fields[1:] == ((b"x-A", b"1"), (b"X-B", b"z"), (b"X-a", b"2"))

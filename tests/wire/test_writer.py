"""kolben/wire/_writer: nothing leaves that could be read as something else."""

import http

import pytest

from kolben.base import LocalProtocolError
from kolben.wire._writer import Output

CONTROLS = [chr(byte) for byte in [*range(9), *range(10, 32), 127]]


def written(write, *arguments) -> bytes:
    output = Output()
    getattr(output, write)(*arguments)
    return bytes(output)


@pytest.mark.parametrize("status", http.HTTPStatus)
def test_a_registered_status_has_its_reason(status):
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    assert written("write_status", status.value) == line
    assert written("write_status", status.value, status.phrase) == line


@pytest.mark.parametrize("arguments", [(200, "Fine"), (299,), (999, "caf\xe9\tx"), (404, "")])
def test_any_status_and_reason_can_be_written(arguments):
    """RFC 9112, section 4: the space before the reason stays even if the reason is empty."""
    status, reason = (*arguments, "")[:2]
    assert written("write_status", *arguments) == f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1")


@pytest.mark.parametrize(
    "arguments", [(99,), (0,), (-1,), (1000,), (2**31 - 1,), (200, "a\r\nb"), (200, "\u20ac"), *[(200, c) for c in CONTROLS]]
)
def test_a_status_or_reason_that_breaks_the_line_is_refused(arguments):
    output = Output()
    with pytest.raises(LocalProtocolError):
        output.write_status(*arguments)
    assert bytes(output) == b""


@pytest.mark.parametrize("kind", [str, lambda text: text.encode("latin-1")])
def test_a_field_line_is_name_colon_space_value(kind):
    for name, value in (("X-A", "b"), ("a", ""), ("!#$%&'*+-.^_`|~09azAZ", "caf\xe9 \t\xff"), ("X" * 3000, "y" * 3000)):
        assert written("write_field", kind(name), kind(value)) == f"{name}: {value}\r\n".encode("latin-1")


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "a\0", "\xe9", "a(", "\u20ac", None, 5, bytearray(b"a")])
def test_a_field_name_that_is_no_token_is_refused(name):
    """RFC 9110, section 5.1."""
    output = Output()
    with pytest.raises(LocalProtocolError, match="field name"):
        output.write_field(name, "a")
    assert bytes(output) == b""


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("before", [0, 1, 7, 8, 9, 17])
def test_a_control_character_in_a_value_is_refused_wherever_it_stands(control, before):
    """RFC 9110, section 5.5: CR, LF and NUL are dangerous; the other ones are invalid."""
    for after in (0, 1, 8):
        value = "a" * before + control + "b" * after
        for kind in (value, value.encode()):
            with pytest.raises(LocalProtocolError, match="field value"):
                written("write_field", "X", kind)


@pytest.mark.parametrize("value", ["\u20ac", "a" * 50 + "\u0100", None, 5])
def test_a_value_that_is_not_latin_1_is_refused(value):
    with pytest.raises(LocalProtocolError, match="latin-1"):
        written("write_field", "X", value)


def test_a_refused_field_leaves_what_was_written_before():
    output = Output()
    output.write_field("A", "b")
    with pytest.raises(LocalProtocolError):
        output.write_field("C", "d\r\nInjected: e")
    output.write_field("F", "g")
    assert bytes(output) == b"A: b\r\nF: g\r\n"


@pytest.mark.parametrize("size", [0, 1, 9, 10, 12345, 2**63 - 1])
def test_a_size_is_written_in_decimal(size):
    assert written("write_size", b"Content-Length", size) == b"Content-Length: %d\r\n" % size


def test_a_size_below_zero_is_refused():
    with pytest.raises(LocalProtocolError, match="expected 0 or more"):
        written("write_size", b"Content-Length", -1)


@pytest.mark.parametrize("length", [1, 9, 10, 15, 16, 255, 256, 4096, 100_000])
def test_a_chunk_is_its_size_in_hex_and_its_data(length):
    """RFC 9112, section 7.1."""
    data = b"x" * length
    assert written("write_chunk", data) == b"%x\r\n%s\r\n" % (length, data)


def test_an_empty_chunk_is_not_written_for_it_would_end_the_body():
    assert written("write_chunk", b"") == b""
    assert written("write_last_chunk") == b"0\r\n\r\n"


def test_an_output_is_used_again_and_again():
    output = Output()
    for size in (1, 5000, 3):
        output.write_bytes(b"a" * size)
        assert len(output) == size
        output.clear()
    assert bytes(output) == b""

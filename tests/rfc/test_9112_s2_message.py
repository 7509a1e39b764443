"""RFC 9112, section 2: lines, empty lines, versions; as a peer sees them."""

import pytest
from tests.wire.reading import HOST, head, status, with_fields


@pytest.mark.parametrize("count", range(6))
def test_a_few_empty_lines_before_a_request_are_ignored(count):
    """Section 2.2: at least one SHOULD be; a server that ignores them for ever can be kept busy for nothing."""
    assert status(b"\r\n" * count + with_fields()) == (None if count <= 4 else 400)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"\n",
        b"GET /\nHTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
def test_a_bare_lf_ends_no_line(data):
    """Section 2.2: a recipient MAY take it for a line's end; smugglers hope for it."""
    assert status(data) == 400


@pytest.mark.parametrize("data", [b"GET /\r HTTP/1.1\r\n", b"GET / HTTP/1.1\rHost: a\r\n", with_fields(b"X: a\rb"), with_fields(b"X\r: a")])
def test_a_bare_cr_is_refused(data):
    """Section 2.2: a recipient MUST consider the element invalid, or replace it by a space."""
    assert status(data) == 400


@pytest.mark.parametrize("line", [b" X: y", b"\tX: y"])
def test_whitespace_before_the_first_field_is_refused(line):
    """Section 2.2: a recipient MUST refuse it, or ignore the line."""
    assert status(b"GET / HTTP/1.1\r\n" + line + b"\r\n" + HOST + b"\r\n") == 400


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/1.9"])
def test_any_minor_version_of_http_1_is_taken(version):
    """Section 2.3: and a higher one is understood as 1.1."""
    expected = (1, 0) if version.endswith("0") else (1, 1)
    assert head(f"GET / {version}\r\nHost: a\r\n\r\n".encode()).version == expected


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1", "HTTP/9.9"])
def test_another_major_version_is_505(version):
    """RFC 9110, section 15.6.6."""
    assert status(f"GET / {version}\r\nHost: a\r\n\r\n".encode()) == 505


@pytest.mark.parametrize(
    "version",
    [
        "",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/1.10",
        "HTTP/01.1",
        "HTTP/1,1",
        "HTTP/1.x",
        "HTTP/ 1.1",
        "http/1.1",
        "Http/1.1",
        "ICE/1.1",
        "XHTTP/1.1",
        "HTTP/1.1 ",
        " HTTP/1.1",
        "HTTP/¹.1",
        "HTTP/4294967297.4294967297",
        "HTTP/-1.1",
        "HTTP/1.1\t",
        "HTTP\\1.1",
    ],
)
def test_what_is_no_version_is_400(version):
    """Section 2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT."""
    assert status(f"GET / {version}\r\nHost: a\r\n\r\n".encode("latin-1")) == 400


def test_a_request_without_a_version_is_400():
    """HTTP/0.9 is gone."""
    assert status(b"GET /\r\n\r\n") == 400

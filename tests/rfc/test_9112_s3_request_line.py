"""RFC 9112, section 3: method, the four forms of a target, Host."""

import pytest
from tests.wire.reading import HOST, head, status


def request(line: bytes) -> bytes:
    return line + b" HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize("method", ["GET", "get", "M-SE!#$%&'*+.^_`|~9", "X" * 200])
def test_a_method_is_any_token_and_keeps_its_case(method):
    """Section 3.1."""
    assert head(request(f"{method} /".encode())).method == method


@pytest.mark.parametrize("line", [b"GET: /", b"GE(T /", b"\xc9 /", b" GET /", b"GET\t/", b"GET  /", b" /", b"GET\0 /", b"GET/"])
def test_what_is_no_token_and_one_space_is_400(line):
    assert status(request(line)) == 400


@pytest.mark.parametrize(
    ("target", "path", "query", "escaped"),
    [
        (b"/", b"/", b"", False),
        (b"//a/../b", b"//a/../b", b"", False),
        (b"/a?", b"/a", b"", False),
        (b"/a?b=?/c", b"/a", b"b=?/c", False),
        (b"/%zz", b"/%zz", b"", True),
        (b"/a|b^c", b"/a|b^c", b"", True),
        (b"/-._~!$&'()*+,;=:@", b"/-._~!$&'()*+,;=:@", b"", False),
        (b"/a?{b}|`\\^[%", b"/a", b"{b}|`\\^[%", False),
    ],
)
def test_the_origin_form_is_a_path_and_perhaps_a_query(target, path, query, escaped):
    """Section 3.2.1.  What browsers send unescaped is taken (see _request_line)."""
    event = head(request(b"GET " + target))
    assert (event.target, event.path, event.query, event.escaped, event.authority) == (target, path, query, escaped, b"")


@pytest.mark.parametrize(("before", "extra"), [(b"/a", b"\\`{}"), (b"/?a", b"")])
def test_a_byte_that_no_target_has_is_400(before, extra):
    """Section 3.2: a recipient SHOULD answer 400.  A target has no fragment either."""
    refused = {byte for byte in range(256) if status(request(b"GET " + before + b"%cb" % byte)) == 400}
    assert refused == {*range(33), *b'"#<>', *extra, *range(127, 256)}


@pytest.mark.parametrize(
    ("target", "authority", "path", "query"),
    [
        (b"http://a.example/b?c", b"a.example", b"/b", b"c"),
        (b"HTTPS://[::1]:80", b"[::1]:80", b"/", b""),
        (b"http://a?x=1", b"a", b"/", b"x=1"),
    ],
)
def test_the_absolute_form_names_its_authority(target, authority, path, query):
    """Section 3.2.2: a server MUST accept it, and its authority wins over Host."""
    event = head(request(b"GET " + target))
    assert (event.authority, event.path, event.query) == (authority, path, query)


@pytest.mark.parametrize(
    "target", [b"http:///a", b"http://", b"http://u@a/", b"http://u:p@a/", b"http://a:b/", b"http:a", b"http:/a", b"http://a\\b"]
)
def test_an_absolute_form_without_a_good_authority_is_400(target):
    """RFC 9110, sections 4.2.1 and 4.2.4."""
    assert status(request(b"GET " + target)) == 400


def test_another_scheme_is_421():
    """RFC 9110, section 7.4: such a resource is not here."""
    assert status(request(b"GET ftp://a/")) == 421


def test_the_authority_form_is_for_connect():
    """Section 3.2.3."""
    assert head(request(b"CONNECT a.example:443")).authority == b"a.example:443"
    assert status(request(b"GET a.example:443")) == 400


@pytest.mark.parametrize("target", [b"/", b"a.example", b"a.example:", b"http://a:1/", b"u@a:1", b"*"])
def test_connect_with_anything_else_is_400(target):
    assert status(request(b"CONNECT " + target)) == 400


def test_the_asterisk_form_is_for_options():
    """Section 3.2.4."""
    assert head(request(b"OPTIONS *")).path == b"*"
    for line in (b"GET *", b"OPTIONS *a", b"OPTIONS **", b"PRI *"):
        assert status(request(line)) == 400


@pytest.mark.parametrize("target", [b"!", b"?a=1", b"a", b"a/b", b":", b"://a", b"#"])
def test_what_is_no_form_of_a_target_is_400(target):
    assert status(request(b"GET " + target)) == 400


@pytest.mark.parametrize("hosts", [[], [b"Host: a", b"Host: a"], [b"Host: a", b"host: b"], [b"Host:"], [b"Host: a b"], [b"Host: a, b"]])
def test_http_1_1_has_exactly_one_good_host(hosts):
    """Section 3.2: a server MUST answer 400 otherwise."""
    assert status(b"GET / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in hosts) + b"\r\n") == 400


def test_an_absolute_form_does_not_excuse_a_missing_host():
    assert status(b"GET http://a/ HTTP/1.1\r\n\r\n") == 400


@pytest.mark.parametrize(("hosts", "expected"), [([], None), ([b"Host: a"], None), ([b"Host: a b"], 400), ([b"Host: a", b"Host: a"], 400)])
def test_http_1_0_needs_no_host_but_a_bad_one_is_refused(hosts, expected):
    assert status(b"GET / HTTP/1.0\r\n" + b"".join(line + b"\r\n" for line in hosts) + b"\r\n") == expected

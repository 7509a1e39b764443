"""kolben/wire/_authority, through Host."""

import ipaddress

import pytest
from tests.wire.reading import status

GOOD = ["a", "a.example", "A-b_c~1", "a:80", "a:", "a:65535", "127.0.0.1:1", "[::1]", "[::1]:8000", "a,b", "%41%2fb", "a!$&'()*+,;="]
BAD = ["", ":80", "a b", "a:b", "a:65536", "a:99999999999999999999", "a:-1", "u@a", "u:p@a", "[::1", "::1", "[::1]a", "[]", "[v1.a]"]
BAD += ["[fe80::1%25eth0]", "a/b", "a?b", "a#b", "a\\b", 'a"', "<a>", "a%", "a%4", "a%zz", "a:1:2", "a\x80", "http://a"]
ADDRESSES = ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"]
NO_ADDRESSES = ["1", "1:2", ":", ":::", "1:", ":1", "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:1.2.3.4", "12345::", "g::", "::1.2.3"]
NO_ADDRESSES += [
    "::1.2.3.256",
    "::1.2.3.4.5",
    "::01.2.3.4",
    "1.2.3.4",
    "::1.2.3.4:5",
    "1:2:3:4::5:6:7:8:9",
    "::1.2..4",
    "1:2:3:4:5:6:7:8::",
]


def host(value: str) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: " + value.encode("latin-1") + b"\r\n\r\n"


@pytest.mark.parametrize("value", GOOD)
def test_a_host_is_a_name_or_an_address_perhaps_with_a_port(value):
    """RFC 9110, section 7.2."""
    assert status(host(value)) is None


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_host_is_400(value):
    """RFC 9112, section 3.2: an invalid field value MUST be answered with 400."""
    assert status(host(value)) == 400


@pytest.mark.parametrize("value", ADDRESSES + NO_ADDRESSES)
def test_brackets_hold_an_ipv6_address_as_the_standard_library_knows_them(value):
    """RFC 3986, section 3.2.2."""
    try:
        ipaddress.IPv6Address(value)
        known = True
    except ValueError:
        known = False
    assert known is (value in ADDRESSES)
    assert (status(host(f"[{value}]:80")) is None) is known

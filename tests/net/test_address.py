"""Bind specs as people write them; what is none is refused with what was expected, what came and what to do."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kolben.base import UsageError
from kolben.net import (
    InheritedAddress,
    TCPAddress,
    TLSAddress,
    UDPAddress,
    UnixAddress,
    UnixDatagramAddress,
    bind,
    connect,
    listen,
    parse_address,
)


@pytest.mark.parametrize(
    ("spec", "expected", "shown"),
    [
        ("127.0.0.1:5000", TCPAddress("127.0.0.1", 5000), "127.0.0.1:5000"),
        ("localhost:80", TCPAddress("localhost", 80), "localhost:80"),
        ("my-host_1.example:65535", TCPAddress("my-host_1.example", 65535), "my-host_1.example:65535"),
        (":5000", TCPAddress("", 5000), ":5000"),
        ("0.0.0.0:0", TCPAddress("0.0.0.0", 0), "0.0.0.0:0"),
        ("[::1]:5000", TCPAddress("::1", 5000), "[::1]:5000"),
        ("[fe80::1%eth0]:1", TCPAddress("fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
        ("tcp://localhost:80", TCPAddress("localhost", 80), "localhost:80"),
        ("tcp:80", TCPAddress("tcp", 80), "tcp:80"),
        ("TCP://[::]:80", TCPAddress("::", 80), "[::]:80"),
        ("host:00080", TCPAddress("host", 80), "host:80"),
        ("unix:/run/app.sock", UnixAddress("/run/app.sock"), "unix:/run/app.sock"),
        ("unix:///run/app.sock", UnixAddress("/run/app.sock"), "unix:/run/app.sock"),
        ("unix:app.sock", UnixAddress("app.sock"), "unix:app.sock"),
        ("unix:/run/a:b c.sock", UnixAddress("/run/a:b c.sock"), "unix:/run/a:b c.sock"),
        ("unix:@app", UnixAddress("@app"), "unix:@app"),
        ("unix:/run/a?mode=660", UnixAddress("/run/a", 0o660), "unix:/run/a?mode=660"),
        ("unix:/run/a?owner=www-data:33&mode=0600", UnixAddress("/run/a", 0o600, "www-data:33"), "unix:/run/a?mode=600&owner=www-data:33"),
        ("unix:/run/a?owner=:web", UnixAddress("/run/a", owner=":web"), "unix:/run/a?owner=:web"),
        ("tcp://unix:80", TCPAddress("unix", 80), "tcp://unix:80"),
        ("fd://3", InheritedAddress(3), "fd://3"),
        ("udp://127.0.0.1:53", UDPAddress("127.0.0.1", 53), "udp://127.0.0.1:53"),
        ("udp://[::1]:53", UDPAddress("::1", 53), "udp://[::1]:53"),
        ("tls://localhost:443", TLSAddress("localhost", 443), "tls://localhost:443"),
        ("unix-dgram:/run/log.sock", UnixDatagramAddress("/run/log.sock"), "unix-dgram:/run/log.sock"),
        ("unix-dgram:@log", UnixDatagramAddress("@log"), "unix-dgram:@log"),
    ],
)
def test_a_spec_is_read_and_shown(spec, expected, shown):
    """What is shown is read as the same address."""
    address = parse_address(spec)
    assert address == expected
    assert str(address) == shown
    assert parse_address(shown) == expected


@pytest.mark.parametrize("spec", ["localhost", "127.0.0.1", "[::1]", "tcp://localhost"])
def test_a_host_alone_takes_the_default_port(spec):
    """Without one it needs a port."""
    assert parse_address(spec, 5000).port == 5000
    with pytest.raises(UsageError, match="expected a port"):
        parse_address(spec)


def test_addresses_of_different_transports_are_different():
    """Nobody takes a port for datagrams for one with connections, nor speaks in the open where TLS is meant."""
    assert len({parse_address(f"{scheme}://localhost:80") for scheme in ("tcp", "tls", "udp")}) == 3


def test_only_a_name_with_an_at_is_abstract():
    """The others have files."""
    assert UnixAddress("@app").is_abstract
    assert not UnixAddress("/run/@app").is_abstract


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "got nothing"),
        ("5000", "write 127.0.0.1:5000, or :5000 for every interface"),
        ("localhost:", "a port from 0 to 65535, got ''"),
        ("localhost:65536", "got '65536'"),
        ("localhost:+80", "got '+80'"),
        ("localhost: 80", "got ' 80'"),
        ("localhost:8_0", "got '8_0'"),
        ("localhost:-1", "got '-1'"),
        ("localhost:٨٠", "got '٨٠'"),
        ("localhost:" + "9" * 5000, "a port from 0 to 65535"),
        ("localhost:http", "got 'http'"),
        ("::1:5000", "Put an IPv6 address in brackets"),
        ("::1", "Put an IPv6 address in brackets"),
        ("[::1:5000", "Close the bracket"),
        ("[::1]5000", "port behind a colon"),
        ("[::1]:", "got ''"),
        ("[]:80", "expected an IPv6 address"),
        ("[127.0.0.1]:80", "expected an IPv6 address"),
        ("300.0.0.1:80", "expected an IPv4 address"),
        ("127.1:80", "expected an IPv4 address"),
        ("my host:80", "with ' ' in it"),
        ("user@host:80", "with '@' in it"),
        ("host/path:80", "with '/' in it"),
        ("http://127.0.0.1:5000/", "Leave out http:// and the path"),
        ("unix-dgram:", "Write, for instance, unix-dgram:/run/app.sock"),
        ("unix-dgram://run/x", "Write unix-dgram:/run/x"),
        ("gopher://host:70", "got gopher://"),
        ("tpc://host:70", "Write tcp://, if that is meant."),
        ("udp:127.0.0.1:53", "Write udp://127.0.0.1:53."),
        ("TLS:/host:443", "Write TLS://host:443."),
        ("*:80", "For every interface leave it out: :80."),
        ("unix:", "expected a path"),
        ("unix:@", "expected a path"),
        ("unix://run/app.sock", "Write unix:/run/app.sock"),
        ("unix:/run/a?mode=999", "got 'mode=999'"),
        ("unix:/run/a?mode=-60", "got 'mode=-60'"),
        ("unix:/run/a?mode=", "got 'mode='"),
        ("unix:/run/a?owner=", "got 'owner='"),
        ("unix:/run/a?owner=a:b:c", "got 'owner=a:b:c'"),
        ("unix:/run/a?user=a", "expected mode=660 or owner=user:group"),
        ("unix:@app?mode=660", "an abstract name has no file"),
        ("unix:/run/\0", "NUL"),
        ("unix:/" + "x" * 200, "bytes of path, got 201"),
        ("unix:/" + "ü" * 60, "bytes of path, got 121"),
        ("fd://", "a descriptor"),
        ("fd://-1", "a descriptor"),
        ("fd://99999999999", "a descriptor"),
    ],
)
def test_what_is_no_address_is_refused_in_words(spec, says):
    """The spec is named, and the sentence after tells what to write."""
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        parse_address(spec, 5000)
    assert str(caught.value).startswith(f"cannot listen on {spec!r}: ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (("127.0.0.1", 5000), "expected a str, got tuple. Write, for instance, '127.0.0.1:5000'."),
        (("::1", 5000, 0, 0), "expected a str, got tuple. Write, for instance, '[::1]:5000'."),
        (5000, "expected a str, got int. Write, for instance, '127.0.0.1:5000'."),
        (Path("/run/app.sock"), "got PosixPath. Write, for instance, 'unix:/run/app.sock'."),
        (None, "expected a str, got NoneType. Write, for instance, '127.0.0.1:5000'."),
    ],
)
def test_what_others_take_for_an_address_is_refused_with_ours(value, says):
    """`socket` takes a tuple."""
    with pytest.raises(UsageError, match=re.escape(f"cannot listen on {value!r}: ") + ".*" + re.escape(says)):
        parse_address(value)


def test_an_address_is_its_own():
    """Whoever takes a text takes what was read of it."""
    address = UDPAddress("127.0.0.1", 53)
    assert parse_address(address) is address


@pytest.mark.parametrize(
    ("deed", "call"),
    [
        ("listen on", listen),
        ("bind", bind),
        ("connect to", connect),
        ("connect from", lambda spec: connect("127.0.0.1:1", local=spec)),
        ("connect from", lambda spec: connect("udp://127.0.0.1:1", local=spec)),
    ],
)
def test_a_refusal_names_what_was_to_be_done(deed, call):
    """And the address, as it was given."""
    with pytest.raises(UsageError, match=f"^cannot {deed} 'gopher://x:1': "):
        call("gopher://x:1")
    with pytest.raises(UsageError, match=f"^cannot {deed} 5000: expected a str"):
        call(5000)


@given(st.text(alphabet="abc019.:[]/@%-unixtcpfd \0é", max_size=30))
@example("[::1%]:80")
def test_any_text_is_an_address_or_a_usage_error(spec):
    """And whatever is an address is read again from how it is shown."""
    try:
        address = parse_address(spec, 5000)
    except UsageError:
        return
    assert parse_address(str(address)) == address

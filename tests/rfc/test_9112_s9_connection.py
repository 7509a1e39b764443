"""RFC 9112, section 9, and RFC 9110, sections 7.6.1, 7.8 and 10.1.1: what a head says about its connection."""

import pytest
from tests.wire.reading import head, status, with_fields


@pytest.mark.parametrize(
    ("version", "lines", "expected"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"Connection: keep-alive"], True),
        (b"1.1", [b"Connection: CLOSE"], False),
        (b"1.1", [b"Connection: X-Foo ,\tclose"], False),
        (b"1.1", [b"Connection: keep-alive, close"], False),
        (b"1.1", [b"Connection: keep-alive", b"connection: close"], False),
        (b"1.1", [b"Connection: closed, xclose, clos, c lose"], True),
        (b"1.1", [b"Connection: ,,"], True),
        (b"1.0", [], False),
        (b"1.0", [b"Connection: Keep-Alive"], True),
        (b"1.0", [b"Connection: keep-alive, close"], False),
        (b"1.0", [b"Connection: close", b"Connection: keep-alive"], False),
    ],
)
def test_a_connection_stays_when_both_version_and_options_allow_it(version, lines, expected):
    """Section 9.3."""
    assert head(with_fields(*lines, version=version)).keep_alive is expected


@pytest.mark.parametrize(
    ("version", "lines", "expected"),
    [
        (b"1.1", [b"Connection: Upgrade", b"Upgrade: websocket"], True),
        (b"1.1", [b"Upgrade: websocket", b"Connection: keep-alive, upgrade"], True),
        (b"1.1", [b"Upgrade: websocket"], False),
        (b"1.1", [b"Connection: upgrade"], False),
        (b"1.0", [b"Connection: upgrade", b"Upgrade: websocket"], False),
    ],
)
def test_an_upgrade_is_asked_for_by_both_fields_in_http_1_1(version, lines, expected):
    """RFC 9110, section 7.8: in HTTP/1.0 it MUST be ignored."""
    assert head(with_fields(*lines, version=version)).upgrade is expected


@pytest.mark.parametrize(
    ("version", "value", "expected"), [(b"1.1", b"100-continue", True), (b"1.1", b"100-CONTINUE", True), (b"1.0", b"100-continue", False)]
)
def test_100_continue_is_for_http_1_1(version, value, expected):
    """RFC 9110, section 10.1.1."""
    assert head(with_fields(b"Expect: " + value, version=version)).expect_continue is expected


@pytest.mark.parametrize("value", [b"a-miracle", b"", b"100-continue, a", b"100-continuex", b"200-continue"])
def test_another_expectation_is_417(value):
    assert status(with_fields(b"Expect: " + value)) == 417
    assert status(with_fields(b"Expect: 100-continue", b"Expect: " + value)) == 417
    assert status(with_fields(b"Expect: " + value, version=b"1.0")) is None

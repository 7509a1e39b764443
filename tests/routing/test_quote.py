"""Percent-encoding is what urllib.parse writes with Werkzeug's safe characters."""

from urllib.parse import quote, quote_plus

import pytest

from kolben.routing import _quote

TEXTS = ["", "a", *map(chr, range(0x100)), "".join(map(chr, range(0x80))), "€", "a b", "  ", "a" * 1000 + "é", "%2F", "\U0010ffff"]


def test_a_path_keeps_what_a_path_segment_may_hold() -> None:
    """WHATWG URL: a path segment keeps these, and slashes are the rule's."""
    for text in TEXTS:
        assert _quote.quote(text) == quote(text, safe="!$&'()*+,/:;=@")


def test_a_query_keeps_what_a_value_may_hold_and_writes_a_space_as_plus() -> None:
    """As urllib.parse.urlencode with Werkzeug's safe characters."""
    for text in TEXTS:
        assert _quote.quote(text, query=True) == quote_plus(text, safe="!$'()*,/:;?@")


def test_a_lone_surrogate_cannot_be_encoded() -> None:
    """As in urllib.parse."""
    with pytest.raises(UnicodeEncodeError):
        _quote.quote("\ud800")

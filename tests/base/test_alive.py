"""Objects that must not be lost are counted while they live."""

import gc

import pytest

from kolben.base._alive import alive, change
from kolben.http import Request
from kolben.net._buffer import BlockPool, LentBlock

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_request_is_counted_as_long_as_somebody_has_it():
    gc.collect()
    before = alive()
    request = Request.from_bytes(HEAD)
    other = Request({"REQUEST_METHOD": "GET"})
    assert alive() == before | {"requests": before["requests"] + 2}
    del request, other
    gc.collect()
    assert alive() == before


def test_a_block_is_counted_while_it_is_lent():
    before = alive()["blocks"]
    block = LentBlock(BlockPool(16, 1))
    block.append(b"x")
    assert alive()["blocks"] == before + 1
    block.release()
    assert alive()["blocks"] == before


def test_only_what_has_a_counter_can_be_counted():
    with pytest.raises(ValueError, match="not in"):
        change("geese", 1)

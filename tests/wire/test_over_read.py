"""The kernels read nothing behind what they were given: the next page of memory may not be touched."""

import contextlib
import ctypes
import mmap

import pytest
from tests.wire.test_chunk import BAD, GOOD
from tests.wire.test_head import BROWSER, REQUESTS

from kolben.base import RemoteProtocolError
from kolben.wire._chunk import ChunkedBody
from kolben.wire._head import HeadParser

HEADS = [*REQUESTS.values(), BROWSER, b"GET http://a:8", b"CONNECT a:1 HTTP/1.1\r\nHost: [::1]\r\n\r\n", b"GET / HTTP/1.1\r\nHost: [1:2"]


class Guarded:
    """A page of memory whose successor kills the process that reads it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2 * mmap.PAGESIZE)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._protect(0)

    def _protect(self, flags: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mprotect(ctypes.c_void_p(self._address + mmap.PAGESIZE), ctypes.c_size_t(mmap.PAGESIZE), flags) == 0

    def hold(self, data: bytes) -> ctypes.Array:
        """Return memory that ends where the page ends."""
        array = (ctypes.c_char * len(data)).from_address(self._address + mmap.PAGESIZE - len(data))
        array.raw = data
        return array

    def close(self) -> None:
        self._protect(mmap.PROT_READ | mmap.PROT_WRITE)


@pytest.fixture(scope="module")
def guarded():
    memory = Guarded()
    yield memory
    memory.close()


@pytest.mark.parametrize("data", HEADS)
def test_a_head_is_not_read_behind_its_bytes(guarded, data):
    parser = HeadParser()
    resume = 0
    for length in range(1, len(data) + 1):
        with contextlib.suppress(RemoteProtocolError):
            parser.parse_bytes(guarded.hold(data[:length]))
    with contextlib.suppress(RemoteProtocolError):
        for length in range(1, len(data) + 1):
            complete, resume = parser.parse_bytes(guarded.hold(data[:length]), resume)
            if complete:
                break


@pytest.mark.parametrize("data", [*GOOD, *BAD])
def test_a_chunked_body_is_not_read_behind_its_bytes(guarded, data):
    for length in range(1, len(data) + 1):
        decoder = ChunkedBody()
        start = 0
        with contextlib.suppress(RemoteProtocolError):
            while start < length:
                used, _, _ = decoder.decode(guarded.hold(data[start:length]))
                start += used

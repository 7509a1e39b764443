"""kolben/wire/h1: events in order, and what is legal when."""

import pytest
from tests.wire.reading import chunked, read, status, with_fields

from kolben.base import LimitExceeded, Limits, LocalProtocolError, RemoteProtocolError
from kolben.wire import CLOSED, NEED_DATA, PAUSED, BodyChunk, EndOfMessage, H1Receiver, RequestHead

POST = with_fields(b"Content-Length: 5", method=b"POST")


def receiver(data: bytes, limits: Limits | None = None) -> H1Receiver:
    machine = H1Receiver(limits)
    machine.receive_data(data)
    return machine


def drain(machine: H1Receiver) -> None:
    while machine.next_event() is not CLOSED:
        pass


def test_a_message_is_head_body_end_and_then_a_pause():
    machine = receiver(POST + b"hel")
    assert isinstance(machine.next_event(), RequestHead)
    assert machine.next_event() == BodyChunk(b"hel")
    assert machine.next_event() is NEED_DATA
    machine.receive_data(b"loGET")
    assert machine.next_event() == BodyChunk(b"lo")
    assert machine.next_event() == EndOfMessage()
    assert machine.next_event() is PAUSED
    assert machine.trailing_data == b"GET"


def test_the_next_message_is_read_when_it_is_asked_for():
    machine = receiver(with_fields() * 2)
    with pytest.raises(LocalProtocolError, match="through"):
        machine.start_next_message()
    for _ in range(2):
        assert isinstance(machine.next_event(), RequestHead)
        assert machine.next_event() == EndOfMessage()
        machine.start_next_message()
    assert machine.next_event() is NEED_DATA


def test_an_end_between_two_messages_is_a_close():
    machine = receiver(b"")
    assert machine.next_event() is CLOSED


@pytest.mark.parametrize("data", [b"G", with_fields()[:-1], POST, POST + b"hell", chunked(b"5\r\nhello"), chunked(b"0\r\n")])
def test_an_end_inside_a_message_is_an_incomplete_message(data):
    """RFC 9112, section 8."""
    machine = receiver(data)
    machine.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match="expected its end"):
        drain(machine)


def test_nothing_comes_after_the_end():
    machine = receiver(b"")
    with pytest.raises(LocalProtocolError, match="nothing after"):
        machine.receive_data(b"x")


def test_nothing_is_read_after_a_refusal():
    machine = receiver(b"\0" + with_fields())
    with pytest.raises(RemoteProtocolError):
        machine.next_event()
    with pytest.raises(LocalProtocolError, match="no call after it raised"):
        machine.next_event()


@pytest.mark.parametrize(("length", "expected"), [(4, None), (5, None), (6, 413)])
def test_a_body_longer_than_the_limit_is_413(length, expected):
    """RFC 9110, section 15.5.14: at once where the head says it, else where the chunks pass it."""
    limits = Limits(body=5)
    assert status(with_fields(b"Content-Length: %d" % length), limits=limits) == expected
    assert status(chunked(b"1\r\nx\r\n" * length), limits=limits) == expected


def test_a_refused_body_is_a_limit():
    with pytest.raises(LimitExceeded):
        receiver(POST, Limits(body=1)).next_event()


def test_data_is_copied():
    buffer = bytearray(b"GET / HTTP/1.1\r\n")
    machine = H1Receiver()
    machine.receive_data(buffer)
    buffer[:] = b"x" * len(buffer)
    machine.receive_data(memoryview(b"Host: a\r\n\r\n"))
    assert isinstance(machine.next_event(), RequestHead)


def test_pipelined_messages_are_read_in_order():
    seen = read(POST + b"helloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n" + chunked(b"3\r\nabc\r\n0\r\n\r\n"))
    assert [item.target for item in seen[::2]] == [b"/", b"/2", b"/"]
    assert seen[1::2] == [b"hello", b"", b"abc"]

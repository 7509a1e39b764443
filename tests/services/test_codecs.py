"""Framing: messages do not depend on where the bytes were cut, and nothing grows beyond its limit."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.base import LimitExceeded, LocalProtocolError, RemoteProtocolError
from kolben.services import CLOSED, NEED_DATA, DelimiterCodec, FixedCodec, LengthPrefixedCodec, LineCodec
from kolben.wire.events import Signal

STREAMS = {
    "lines": (lambda: LineCodec(limit=8), b"one\r\n\ntwo\nthree\r\r\nlongest8\n12345678\r\n"),
    "delimiter": (lambda: DelimiterCodec(b"ab", limit=4), b"oneabaab\0abab1234ab"),
    "prefixed": (lambda: LengthPrefixedCodec(2, limit=4), b"\0\3one\0\0\0\1x\0\4four"),
    "little": (lambda: LengthPrefixedCodec(4, byteorder="little"), b"\3\0\0\0one\0\0\0\0"),
    "fixed": (lambda: FixedCodec(3), b"onetwosix"),
    "a line that is too long": (lambda: LineCodec(limit=3), b"one\nfour\nsix\n"),
    "a line that never ends": (lambda: LineCodec(limit=3), b"one\nand so on and so on"),
    "a message that is too long": (lambda: DelimiterCodec(b"ab", limit=3), b"oneabfouraab"),
    "a length that is too large": (lambda: LengthPrefixedCodec(4, limit=10), b"\0\0\0\1x\xff\xff\xff\xffx"),
    "half a line": (LineCodec, b"one\ntw"),
    "half a length": (LengthPrefixedCodec, b"\0\0\0\1x\0\0"),
    "half a message": (LengthPrefixedCodec, b"\0\0\0\3on"),
    "half of a fixed one": (lambda: FixedCodec(4), b"onetw"),
}


def events(codec, *pieces):
    """What comes of these pieces and the end of the stream: messages, then CLOSED or the kind of the refusal."""
    seen = []
    try:
        for piece in [*pieces, b""]:
            codec.receive_data(piece)
            while not isinstance(event := codec.next_event(), Signal):
                seen.append(event)
        seen.append(event)
    except RemoteProtocolError as error:
        seen.append(type(error))
    return seen


@pytest.mark.parametrize(("make", "stream"), STREAMS.values(), ids=STREAMS)
def test_events_do_not_depend_on_where_the_bytes_were_cut(make, stream):
    """A message ends where its framing says, not where a packet ended; the same for a refusal."""
    whole = events(make(), stream)
    assert whole
    for cut in range(1, len(stream)):
        assert events(make(), stream[:cut], stream[cut:]) == whole, cut
    assert events(make(), *(stream[at : at + 1] for at in range(len(stream)))) == whole


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5), st.sampled_from(list(STREAMS.values())))
def test_any_bytes_cut_anywhere_give_the_same_events(stream, cuts, made):
    bounds = [0, *sorted(cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds) if start < end]
    assert events(made[0](), *pieces) == events(made[0](), *([stream] if stream else []))


def codecs():
    text = st.binary(max_size=20)
    return st.one_of(
        st.tuples(st.just(LineCodec), st.lists(text.filter(lambda line: b"\n" not in line and not line.endswith(b"\r")))),
        st.tuples(st.just(lambda: LineCodec(newline=b"\r\n")), st.lists(st.sampled_from([b"", b"x", b"a\rb"]))),
        st.tuples(st.just(lambda: DelimiterCodec(b"\0\0")), st.lists(text.map(lambda part: part.replace(b"\0", b"")))),
        st.tuples(st.just(lambda: LengthPrefixedCodec(1)), st.lists(text)),
        st.tuples(st.just(lambda: LengthPrefixedCodec(8, byteorder="little")), st.lists(text)),
        st.tuples(st.just(lambda: FixedCodec(4)), st.lists(st.binary(min_size=4, max_size=4))),
    )


@given(codecs())
def test_what_one_end_sends_is_what_the_other_receives(made):
    make, messages = made
    ours, theirs = make(), make()
    for message in messages:
        ours.send(message)
    stream = ours.data_to_send()
    assert events(theirs, *([stream] if stream else [])) == [*messages, CLOSED]
    assert ours.data_to_send() == b""


@pytest.mark.parametrize(
    ("codec", "message", "why"),
    [
        (LineCodec(), b"a\nb", "without the delimiter b'\\\\n', got one with it at byte 1"),
        (LineCodec(), b"a\r", "without CR at its end"),
        (DelimiterCodec(b"aa"), b"xa", "at byte 1"),
        (DelimiterCodec(b"--", limit=3), b"four", "at most 3 bytes, got 4"),
        (LengthPrefixedCodec(1), b"x" * 256, "at most 255 bytes, got 256"),
        (FixedCodec(3), b"xx", "expected a message of 3 bytes, got 2"),
    ],
)
def test_what_the_peer_would_read_otherwise_is_not_sent(codec, message, why):
    with pytest.raises(LocalProtocolError, match=why):
        codec.send(message)
    assert codec.data_to_send() == b""


def test_a_length_is_refused_before_its_bytes_are_waited_for():
    codec = LengthPrefixedCodec(4, limit=100)
    codec.receive_data(b"\x7f\xff\xff\xff")
    with pytest.raises(LimitExceeded, match="at most 100 bytes, got a length of 2147483647"):
        codec.next_event()


@pytest.mark.parametrize(("codec", "spare"), [(LineCodec(limit=1000), 1), (DelimiterCodec(b"abc", limit=1000), 2)])
def test_a_message_without_an_end_is_refused_at_its_limit(codec, spare):
    """Whatever comes, no more is held than the limit and what may still be an end."""
    codec.receive_data(b"x" * (1000 + spare))
    assert codec.next_event() is NEED_DATA
    codec.receive_data(b"x")
    with pytest.raises(LimitExceeded):
        codec.next_event()


def test_after_a_refusal_there_is_nothing_more():
    """Bytes behind a broken frame mean nothing that can be trusted."""
    codec = LineCodec(limit=1)
    codec.receive_data(b"two\none\n")
    with pytest.raises(LimitExceeded):
        codec.next_event()
    with pytest.raises(LocalProtocolError, match="close the connection"):
        codec.next_event()


@pytest.mark.parametrize(
    ("codec", "part", "why"),
    [
        (LineCodec(), b"ab", r"expected the delimiter b'\\n' behind 2 bytes, got the end"),
        (LengthPrefixedCodec(), b"\0", "expected a length of 4 bytes, got 1"),
        (LengthPrefixedCodec(1), b"\5abc", "expected 5 bytes, got 3"),
        (FixedCodec(4), b"abc", "expected 4 bytes, got 3"),
    ],
)
def test_a_part_of_a_message_is_not_given_out_as_a_whole(codec, part, why):
    codec.receive_data(part)
    assert codec.next_event() is NEED_DATA
    codec.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match=why):
        codec.next_event()


def test_bytes_after_the_end_are_a_mistake_of_ours():
    codec = LineCodec()
    codec.receive_data(b"")
    with pytest.raises(LocalProtocolError):
        codec.receive_data(b"x")


@pytest.mark.parametrize(
    "make", [lambda: LineCodec(limit=0), lambda: DelimiterCodec(b""), lambda: LengthPrefixedCodec(3), lambda: FixedCodec(0)]
)
def test_a_framing_that_cannot_be_is_refused_at_once(make):
    with pytest.raises(ValueError, match="expected"):
        make()

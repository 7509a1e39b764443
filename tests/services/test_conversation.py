"""A codec over a stream: what came together is answered together, and the codec's own words go out."""

import asyncio

import pytest

from kolben.base import LocalProtocolError, RemoteProtocolError
from kolben.services import CLOSED, NEED_DATA, Conversation, LineCodec
from kolben.services.aio import Conversation as AsyncConversation


class Script:
    """A stream that receives what it was made with, piece by piece, and keeps what it is told to send."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.sent = []
        self.is_closed = False

    def recv(self, max_bytes=65536):
        return self.pieces.pop(0) if self.pieces else b""

    def send(self, data):
        self.sent.append(data)

    def close(self):
        self.is_closed = True


class AsyncScript(Script):
    async def recv(self, max_bytes=65536):
        return super().recv(max_bytes)

    async def send(self, data):
        super().send(data)

    async def close(self):
        super().close()


class Polite:
    """A codec of a user's own: every byte is an event; "?" is answered by the codec itself, "!" breaks the rules."""

    def __init__(self):
        self.received, self.output, self.is_closed = b"", b"", False

    def receive_data(self, data):
        self.received += data
        self.is_closed = not data

    def next_event(self):
        while self.received:
            byte, self.received = self.received[:1], self.received[1:]
            if byte == b"!":
                self.output += b"sorry"
                raise RemoteProtocolError("expected no exclamation")
            if byte != b"?":
                return byte
            self.output += b"pong"
        return CLOSED if self.is_closed else NEED_DATA

    def send(self, message):
        if not message:
            raise LocalProtocolError("expected something")
        self.output += message

    def data_to_send(self):
        data, self.output = self.output, b""
        return data


def blocking(act, codec, *pieces):
    """What `act` made of a conversation, and what was sent."""
    stream = Script(*pieces)
    with Conversation(stream, codec) as talk:
        result = act(talk)
    assert stream.is_closed
    return result, stream.sent


def awaiting(act, codec, *pieces):
    """The same, in the awaiting form: `act` has a twin."""

    async def run():
        stream = AsyncScript(*pieces)
        async with AsyncConversation(stream, codec) as talk:
            result = await TWINS[act](talk)
        assert stream.is_closed
        return result, stream.sent

    return asyncio.run(run())


def echo(talk):
    for event in talk:
        talk.put(event)


async def echo_awaiting(talk):
    async for event in talk:
        talk.put(event)


def answer(talk):
    talk.answer(lambda event: None if event == b"no" else event.upper())


async def answer_awaiting(talk):
    await talk.answer(lambda event: None if event == b"no" else event.upper())


def greet(talk):
    talk.put(b"a")
    talk.send(b"b")
    talk.send(b"c")


async def greet_awaiting(talk):
    talk.put(b"a")
    await talk.send(b"b")
    await talk.send(b"c")


def take_all(talk):
    return list(talk)


async def take_all_awaiting(talk):
    return [event async for event in talk]


TWINS = {answer: answer_awaiting, echo: echo_awaiting, greet: greet_awaiting, take_all: take_all_awaiting}
both_forms = pytest.mark.parametrize("run", [blocking, awaiting])


@both_forms
def test_answers_to_what_came_together_go_out_together(run):
    """One packet of three questions is one packet of three answers: one system call, not three."""
    assert run(echo, LineCodec(), b"1\n2\n3", b"\n", b"4\n")[1] == [b"1\n2\n", b"3\n", b"4\n"]


@both_forms
def test_a_function_answers_each_event_or_does_not(run):
    assert run(answer, LineCodec(), b"a\nno\nb", b"\n")[1] == [b"A\n", b"B\n"]
    assert sum(map(len, run(answer, LineCodec(), b"x" * 30_000 + b"\n", b"".join([b"y" * 30_000 + b"\n"] * 20))[1])) == 21 * 30_001


@both_forms
def test_send_does_not_wait_for_others_but_keeps_the_order(run):
    assert run(greet, LineCodec())[1] == [b"a\nb\n", b"c\n"]


@both_forms
def test_answers_do_not_pile_up_without_limit(run):
    """Beyond the high-water mark they are sent before the next event is given out; it is looked at every eighth time."""
    big = b"x" * 10_000 + b"\n"
    for act in (echo, answer):
        assert [len(data) for data in run(act, LineCodec(), big * 20)[1]] == [80_008, 80_008, 40_004]


@both_forms
def test_iteration_ends_when_the_peer_has_closed_its_side(run):
    assert run(take_all, LineCodec(), b"a\nb\n") == ([b"a", b"b"], [])


@both_forms
def test_what_the_codec_says_by_itself_is_sent(run):
    assert run(take_all, Polite(), b"a?b", b"?") == ([b"a", b"b"], [b"pong", b"pong"])


@both_forms
def test_a_refusal_is_sent_before_it_is_raised(run):
    stream = []

    def keep(talk):
        stream.append(talk.stream)
        return take_all(talk)

    async def keep_awaiting(talk):
        stream.append(talk.stream)
        return await take_all_awaiting(talk)

    TWINS[keep] = keep_awaiting
    with pytest.raises(RemoteProtocolError, match="no exclamation"):
        run(keep, Polite(), b"a!")
    assert stream[0].sent == [b"sorry"]
    assert stream[0].is_closed


def test_a_message_that_the_protocol_cannot_carry_is_not_sent():
    stream = Script()
    talk = Conversation(stream, Polite())
    with pytest.raises(LocalProtocolError):
        talk.put(b"")
    talk.flush()
    assert stream.sent == []

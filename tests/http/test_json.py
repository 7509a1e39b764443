"""`kolben.http.json` and its native encoder: what a reader of the differential properties would not see there."""

from __future__ import annotations

import gc
import json
import math
import sys
import threading
from typing import Any

import msgspec
import pytest
from werkzeug.local import LocalProxy

from kolben.http._json import SPARE_LIMIT
from kolben.http.json import Encoder, default, loads

COMPACT = (",", ":")


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(separators=COMPACT, default=default)


def test_the_encoder_is_compiled() -> None:
    """A build that silently left it out would be slow, not wrong."""
    assert not (sys.modules["kolben.http._json"].__file__ or "").endswith(".py")


def test_an_answer_ends_with_a_newline_and_text_does_not(encoder: Encoder) -> None:
    """Flask adds it in `response` only."""
    assert encoder.encode_response({"b": 1, "a": [None, True]}) == b'{"a":[null,true],"b":1}\n'
    assert encoder.dump_bytes([1]) == b"[1]"
    assert encoder.dumps([1]) == "[1]"


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
def test_separators_default_to_those_of_json_dumps(indent: Any) -> None:
    """With blanks, but none at the end of an indented line."""
    value = {"b": [1, 2], "a": {}}
    assert Encoder(indent=indent).dumps(value) == json.dumps(value, indent=indent, sort_keys=True)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 40])
def test_a_dict_of_any_size_is_sorted_by_code_point(encoder: Encoder, size: int) -> None:
    """Sixteen items are sorted on the stack, more by list.sort."""
    keys = [
        chr(0x41 + 7919 * i % 89) * (1 + i % 3) + ("é" if i % 4 == 0 else "") + ("😀" if i % 5 == 0 else "") + str(i) for i in range(size)
    ]
    value = dict.fromkeys(keys, 1)
    assert encoder.dumps(value) == json.dumps(value, sort_keys=True, separators=COMPACT)


def test_keys_are_sorted_before_they_become_text(encoder: Encoder) -> None:
    """So 9 comes before 10, and 1 cannot stand beside "a"."""
    assert encoder.dumps({10: 0, 9: 0}) == '{"9":0,"10":0}'
    with pytest.raises(TypeError, match="'<' not supported between instances of 'str' and 'int'"):
        encoder.dumps({1: 0, "a": 0})
    assert Encoder(sort_keys=False).dumps({1: 0, "a": 0, None: 0, False: 0, 0.5: 0}) == '{"1": 0, "a": 0, "null": 0, "false": 0, "0.5": 0}'


@pytest.mark.parametrize("exponent", range(-8, 18))
def test_numbers_around_each_power_of_ten_are_written_as_their_repr(encoder: Encoder, exponent: int) -> None:
    """The edges of the fast way: few decimals, at most 15 digits, no exponent."""
    power = 10.0**exponent
    for step in (power, power / 3, power * 0.999999, power * 1.000001, power * 1.5, power * 0.123456, power * 0.1234567, -power):
        for number in (math.nextafter(step, -math.inf), step, math.nextafter(step, math.inf)):
            assert encoder.dumps(number) == repr(number)


@pytest.mark.parametrize("number", [0, -1, 9, 10, -(2**63), 2**63 - 1, 2**63, -(2**63) - 1, 2**64])
def test_ints_at_the_edge_of_a_machine_word_keep_every_digit(encoder: Encoder, number: int) -> None:
    """Larger ones go through int.__repr__."""
    assert encoder.dumps(number) == repr(number)


@pytest.mark.parametrize("place", range(20))
@pytest.mark.parametrize("character", ['"', "\\", "\x00", "\x1f", "\x7f", "\n", "é", "\u2028", "\ud800", "😀"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_special_character_is_escaped_wherever_it_stands(place: int, character: str, *, ensure_ascii: bool) -> None:
    """Eight bytes are looked at in one step."""
    text = "a" * place + character + "b" * (19 - place)
    assert Encoder(ensure_ascii=ensure_ascii).dumps(text) == json.dumps(text, ensure_ascii=ensure_ascii)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8192, 8193])
@pytest.mark.parametrize("character", ["a", "\n", "ÿ", "€", "😀"])
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_long_text_is_written_whole(size: int, character: str, *, ensure_ascii: bool) -> None:
    """It is written in pieces of 4096 characters."""
    assert Encoder(ensure_ascii=ensure_ascii).dumps(character * size) == json.dumps(character * size, ensure_ascii=ensure_ascii)


def test_a_lone_surrogate_becomes_text_but_not_bytes() -> None:
    """As when Flask encodes the text; the error names the place in the text."""
    encoder = Encoder(ensure_ascii=False)
    assert encoder.dumps(["é\ud800"]) == '["é\ud800"]'
    with pytest.raises(UnicodeEncodeError, match="position 3: surrogates not allowed"):
        encoder.encode_response(["é\ud800"])
    assert encoder.dump_bytes(["é"]) == '["é"]'.encode()


@pytest.mark.parametrize("depth", [1, 63, 64, 65, 200])
def test_a_list_that_holds_itself_is_refused_at_any_depth(encoder: Encoder, depth: int) -> None:
    """ValueError as in `json`; 64 ancestors are compared, deeper ones looked up."""
    inner: list[Any] = []
    value: Any = inner
    for _ in range(depth):
        value = [value, []]
    assert encoder.dumps([value, value]) == json.dumps([value, value], separators=COMPACT)
    inner.append(value)
    with pytest.raises(ValueError, match="Circular reference detected"):
        encoder.dumps(value)


def test_too_deep_a_value_is_refused_and_the_next_one_is_not(encoder: Encoder) -> None:
    """At the depth where the interpreter refuses it, give or take the frames of its Python part; from 3.14 it counts bytes of stack."""
    fits, refused = 1, 1_000_000
    while refused - fits > 1:
        middle = (fits + refused) // 2
        try:
            encoder.dumps(nested(middle))
            fits = middle
        except RecursionError as error:
            assert "while encoding a JSON object" in str(error)  # noqa: PT017 - the depth is wanted too
            refused = middle
    by_stack = sys.version_info >= (3, 14)
    with pytest.raises(RecursionError):
        json.dumps(nested(refused * 3 if by_stack else refused))
    json.dumps(nested(fits // 3 if by_stack else fits - 20))
    assert encoder.dumps([1]) == "[1]"


def test_default_may_change_what_is_being_encoded() -> None:
    """A list is read as long as it is at each step, a dict from a copy: as in `json`, and without a crash."""

    def run(dumps: Any) -> str:
        values: list[Any] = [object(), "x" * 100, "y"]
        mapping: dict[str, Any] = {str(i): object() for i in range(10)}

        def change(_value: object) -> Any:
            if len(values) == 3:
                del values[1:]
                values.append("z")
            mapping.clear()
            gc.collect()
            return "changed"

        return str(dumps([values, mapping], change))

    assert run(lambda value, change: Encoder(default=change).dumps(value)) == run(
        lambda value, change: json.dumps(value, default=change, sort_keys=True)
    )


def test_default_may_call_the_encoder_again() -> None:
    """Each call has memory of its own."""

    def again(value: Any) -> Any:
        return value.real if value.real < 1 else shared.dumps([value - 1, "é"])

    shared = Encoder(default=again, separators=COMPACT)
    text = shared.dumps(["a" * 2000, 3 + 0j, "b"])
    for _ in range(3):
        text = json.loads(text)[0 if text[2] != "a" else 1]
    assert text == '[0.0,"\\u00e9"]'


def test_an_error_of_default_reaches_the_caller(encoder: Encoder) -> None:
    """Also from deep inside; the encoder is as good as before."""
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        encoder.dumps({"a": [1, {"b": object()}]})
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        Encoder().dumps(object())
    assert encoder.dumps({"a": [1]}) == '{"a":[1]}'


def test_memory_of_a_large_answer_is_given_back(encoder: Encoder) -> None:
    """An encoder keeps at most 64 KiB between calls."""
    encoder.dumps("x" * 10_000)
    assert 0 < encoder.spare_capacity <= SPARE_LIMIT
    encoder.dumps("x" * 50_000_000)
    assert encoder.spare_capacity <= SPARE_LIMIT


def test_encoding_leaves_no_reference_behind(encoder: Encoder) -> None:
    """After success, refusal and a circle."""
    leaf = object()
    circle: dict[str, Any] = {"leaf": [leaf]}
    circle["self"] = circle
    keys = [f"key {i}" * 3 for i in range(5)]
    big = dict.fromkeys(map(str, range(30)), leaf)
    before = sys.getrefcount(leaf), [sys.getrefcount(key) for key in keys]
    for value in (dict.fromkeys(keys, leaf), circle, [leaf], {"a": {"b": leaf}}, dict.fromkeys(keys, 1.25), big):
        for _ in range(5):
            try:
                encoder.dumps(value)
            except (TypeError, ValueError):
                continue
    del value
    assert (sys.getrefcount(leaf), [sys.getrefcount(key) for key in keys]) == before


def test_threads_may_share_an_encoder() -> None:
    """`default` lets others run in the midst of a call."""
    barrier = threading.Barrier(4, timeout=10)
    results: list[str] = []

    def meet(_value: object) -> str:
        barrier.wait()
        return "met"

    encoder = Encoder(default=meet)
    threads = [threading.Thread(target=lambda i=i: results.append(encoder.dumps([str(i) * 900, object()]))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [json.dumps([str(i) * 900, "met"]) for i in range(4)]


def test_settings_can_be_read_and_not_changed() -> None:
    """An encoder is shared, so it stays as it was made."""
    encoder = Encoder(ensure_ascii=False, sort_keys=False, indent=1, default=default)
    assert (encoder.ensure_ascii, encoder.sort_keys, encoder.indent, encoder.separators) == (False, False, 1, (",", ": "))
    with pytest.raises(AttributeError):
        encoder.sort_keys = True


def test_a_proxy_of_a_str_is_refused_as_by_the_interpreter(encoder: Encoder) -> None:
    """`json` believes what `__class__` says of the outermost value."""
    proxy = LocalProxy(lambda: "text")
    with pytest.raises(TypeError, match="first argument must be a string, not LocalProxy"):
        encoder.dumps(proxy)


@pytest.mark.parametrize(
    "data", [b"NaN", b"1E400", b"\xef\xbb\xbf1", "1".encode("utf-16"), '"\ud800"', r'"\ud800"', bytearray(b"[1]"), "9" * 4000]
)
def test_what_json_reads_is_read(data: Any) -> None:
    """Also what msgspec refuses."""
    assert repr(loads(data)) == repr(json.loads(data))


@pytest.mark.parametrize("data", ["", "\ufeff1", "[1,]", b"\xff", b'{"a":1', "9" * 4301, None, memoryview(b"1")])
def test_what_json_refuses_is_refused_by_the_same_error(data: Any) -> None:
    """Type and text."""
    with pytest.raises((ValueError, TypeError)) as expected:
        json.loads(data)
    with pytest.raises(expected.type) as refusal:
        loads(data)
    assert str(refusal.value) == str(expected.value)


def test_the_refusal_of_a_document_shows_one_error_only() -> None:
    """What msgspec said first is nobody's business."""
    with pytest.raises(json.JSONDecodeError) as refusal:
        loads("[1,]")
    assert not isinstance(refusal.value.__context__, msgspec.MsgspecError)

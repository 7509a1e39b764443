"""Kolben's JSON against Flask's provider and the interpreter's `json`: the same result or the same refusal, whatever the value.

KOLBEN_EXAMPLES sets how many examples each property tries.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import os
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

import flask
from kolben.http.json import Encoder, default, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "30"))
ORACLE = flask.Flask("oracle")
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


class Colour(enum.IntEnum):
    RED = 1


class Mood(enum.StrEnum):
    GLAD = 'glad "é"'


class Point(NamedTuple):
    x: object
    y: object


class LoudInt(int):
    def __repr__(self) -> str:
        return "loud"


class LoudFloat(float):
    def __repr__(self) -> str:
        return "loud"


class LoudStr(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "loud"

    def __lt__(self, other: object) -> bool:
        return not str.__lt__(self, str(other))


class LoudList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(["loud"])

    def __len__(self) -> int:
        return 1


class LoudDict(dict[Any, Any]):
    def items(self) -> Any:
        return [*super().items(), ("loud", 1)]


class BrokenDict(dict[Any, Any]):
    def items(self) -> Any:
        return [("a", 1, 2)]


@dataclasses.dataclass
class Record:
    name: object
    parts: object


class Masked:
    """Says that it is another type, as proxies do."""

    def __init__(self, mask: type) -> None:
        self.mask = mask

    @property
    def __class__(self) -> Any:
        return self.mask

    @__class__.setter
    def __class__(self, mask: type) -> None:
        raise TypeError(mask)


characters = st.one_of(
    st.characters(codec="ascii"), st.characters(), st.integers(0, 0x10FFFF).map(chr), st.integers(0xD7F0, 0xE010).map(chr)
)
texts = st.one_of(
    st.text(characters, max_size=40), st.sampled_from(["", "a", "ab", "b", 'a"b\\c' * 9, "x" * 5000, "é" * 4097, "😀" * 4097])
)
short_decimals = st.builds(lambda n, places: n / 10**places, st.integers(-(10**16), 10**16), st.integers(0, 9))
ints = st.one_of(
    st.integers(-1000, 1000),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64]),
    st.sampled_from([50, 4299, 4300]).map(lambda digits: 10**digits),  # by map: hypothesis would print the numbers
)
floats = st.one_of(st.floats(), short_decimals, st.integers(-(2**60), 2**60).map(float))
scalars = st.one_of(st.none(), st.booleans(), ints, floats, texts)
subclassed = st.one_of(
    st.just(Colour.RED), st.just(Mood.GLAD), ints.map(LoudInt), floats.map(LoudFloat), texts.map(LoudStr), texts.map(Markup)
)
by_default = st.one_of(
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(datetime.timezone(datetime.timedelta(hours=5)))),
    st.decimals(),
    st.uuids(),
    st.just(Record),
    st.builds(Record, texts, ints),
)
refused = st.one_of(
    st.sampled_from([object(), frozenset({1, 2}), b"bytes", 1j, object, len]), st.builds(Masked, st.sampled_from([str, dict, list, int]))
)
leaves = st.one_of(scalars, subclassed, by_default, scalars, scalars, scalars, refused)
# Keys of one dict mostly compare with one another, so that not every dict is refused.
odd_keys = st.one_of(scalars, subclassed, st.dates(), st.uuids(), st.binary(max_size=3))
key_families = [texts, texts, texts, ints, floats, texts.map(LoudStr), st.none() | st.just("a"), odd_keys]


def dicts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of([st.dictionaries(keys, values, max_size=6) for keys in key_families] + [st.dictionaries(texts, values, max_size=24)])


def containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=6)
    mappings = dicts(values)
    return st.one_of(
        lists,
        lists.map(tuple),
        lists.map(LoudList),
        lists.map(collections.deque),
        lists.map(lambda items: [items, items]),
        mappings,
        mappings.map(collections.OrderedDict),
        mappings.map(lambda items: collections.defaultdict(list, items)),
        mappings.map(LoudDict),
        mappings.map(BrokenDict),
        st.builds(Point, values, values),
        st.builds(Record, values, values),
    )


values = st.recursive(leaves, containers, max_leaves=12)


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Containers that hold one another, so that most hold themselves in the end."""
    makers: list[Callable[[], Any]] = [list, dict, LoudDict, lambda: Record([], [])]
    nodes: list[Any] = [draw(st.sampled_from(makers))() for _ in range(draw(st.integers(1, 6)))]
    for node in nodes:
        for other in draw(st.lists(st.sampled_from(nodes), max_size=2)):
            if isinstance(node, Record):
                node.name = other
            elif isinstance(node, list):
                node.append(other)
            else:
                node[str(len(node))] = other
    return nodes[0]


def outcome(call: Callable[[], Any]) -> Any:
    """Return the result with its type's name, or the refusal: its type and its first line."""
    try:
        result = call()
    except RecursionError:
        return RecursionError
    except Exception as error:
        return type(error), str(error).partition("\n")[0]
    return type(result), result


def flask_provider(**attributes: Any) -> Any:
    provider = flask.json.provider.DefaultJSONProvider(ORACLE)
    vars(provider).update(attributes)
    return provider


modes = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "sort_keys": st.booleans()})


@many
@given(values, modes)
def test_an_answer_has_the_bytes_that_flask_sends(value: Any, mode: Any) -> None:
    """Bytes, or the type and the text of the error, are those of DefaultJSONProvider.response outside debug mode."""
    oracle = flask_provider(**mode)
    encoder = Encoder(**mode, separators=(",", ":"), default=default)
    assert outcome(lambda: encoder.encode_response(value)) == outcome(lambda: oracle.response(value).data)


@many
@given(values, modes)
def test_an_answer_for_people_has_the_bytes_that_flask_sends(value: Any, mode: Any) -> None:
    """With `compact = False`, or in debug mode, Flask indents by two."""
    oracle = flask_provider(**mode, compact=False)
    encoder = Encoder(**mode, indent=2, default=default)
    assert outcome(lambda: encoder.encode_response(value)) == outcome(lambda: oracle.response(value).data)


@many
@given(values, modes, st.sampled_from([None, (",", ":"), ("", ""), (" ,\n", "→")]))
def test_text_is_what_json_dumps_returns(value: Any, mode: Any, separators: Any) -> None:
    """Also with separators of any kind, and without `default`."""
    encoder = Encoder(**mode, separators=separators)
    assert outcome(lambda: encoder.dumps(value)) == outcome(lambda: json.dumps(value, **mode, separators=separators))


@many
@given(graphs())
def test_a_value_that_holds_itself_is_refused_as_by_flask(value: Any) -> None:
    """ValueError, "Circular reference detected"; dataclasses are copied first, without an end."""
    encoder = Encoder(separators=(",", ":"), default=default)
    oracle = flask_provider()
    assert outcome(lambda: encoder.encode_response(value)) == outcome(lambda: oracle.response(value).data)


@many
@given(st.lists(floats, min_size=5, max_size=20))
def test_floats_are_written_as_their_repr(numbers: list[float]) -> None:
    """The shortest text that reads as the same number, as float.__repr__ finds it."""
    assert Encoder().dumps(numbers) == json.dumps(numbers)


# --- Decoding ---

digits = st.text("0123456789", min_size=1, max_size=40)
numerals = st.one_of(
    st.from_regex(r"\A-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?\Z"),
    st.floats().map(repr),
    ints.filter(lambda n: abs(n) < 10**4299).map(str),
    st.sampled_from(["-0", "-0.0", "1E400", "-1e400", "1e-400", "0e99999", "1.7976931348623159e308", "5e-324", "2.4703282292062328e-324"]),
    st.sampled_from([4299, 4300, 4301, 5000]).flatmap(lambda n: st.sampled_from(["1" * n, "-" + "9" * n, "1" * n + ".0", "0." + "1" * n])),
)
strings = st.one_of(texts.map(json.dumps), texts.map(lambda text: json.dumps(text, ensure_ascii=False)), texts.map('"{}"'.format))
escapes = st.lists(
    st.sampled_from(
        ["\\ud83d", "\\uDE00", "\\u0000", "\\u00e9", "\\uZ", "\\", '"', "\\n", "\\/", "\x00", "\n", "\x7f", "é", "\ud800", "a" * 9]
    )
).map(lambda parts: f'"{"".join(parts)}"')
tokens = st.one_of(
    numerals, strings, escapes, st.sampled_from([*'[]{},:" \n\t\r\v\ufeff', "true", "false", "null", "NaN", "-Infinity", '{"a":1,"a":2}'])
)
documents = st.one_of(
    numerals,
    strings,
    escapes,
    st.lists(tokens, max_size=8).map("".join),
    st.lists(st.one_of(numerals, strings, escapes), max_size=5).map(lambda items: f"[{','.join(items)}]"),
    st.lists(st.tuples(st.one_of(strings, escapes), numerals), max_size=5).map(
        lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
    ),
    st.recursive(
        scalars.filter(lambda v: not isinstance(v, int) or abs(v) < 10**4299), lambda v: st.lists(v) | st.dictionaries(texts, v)
    ).map(json.dumps),
    st.tuples(st.integers(0, 200), st.sampled_from(["[]", '{"a":}'])).map(
        lambda pair: pair[1][:-1] * pair[0] + "1" + pair[1][-1] * pair[0]
    ),
)
encodings = st.sampled_from(
    ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
encoded = st.builds(lambda text, encoding: text.encode(encoding, "surrogatepass"), documents, encodings)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(encoded))
    place = draw(st.integers(0, len(data)))
    data[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


@many
@given(
    st.one_of(documents, encoded, encoded.map(bytearray), damaged(), st.binary(max_size=12), st.sampled_from([None, 1, memoryview(b"1")]))
)
def test_a_document_is_read_as_json_loads_reads_it(data: Any) -> None:
    """The same value, down to the types and the sign of zero, or the same error."""
    assert repr(outcome(lambda: loads(data))) == repr(outcome(lambda: json.loads(data)))


@pytest.mark.parametrize("value", [uuid.UUID(int=5), decimal.Decimal("1.50"), datetime.date(2024, 2, 29), Record("a", [Record(1, 2)])])
def test_what_json_has_no_form_for_becomes_what_flask_makes_of_it(value: Any) -> None:
    """`default` is Flask's."""
    assert default(value) == flask.json.provider.DefaultJSONProvider.default(value)

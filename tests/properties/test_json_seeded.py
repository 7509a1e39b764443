"""JSON against Flask's provider and `json`, as in test_json_differential.py, with values made from a number.

There each value is hypothesis's own, which is slow, and shrinks; here it is the amount that finds things.  KOLBEN_EXAMPLES says how
many examples are tried; each holds some dozens of questions.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import json
import os
import random
import struct
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from tests.properties.test_json_differential import (
    BrokenDict,
    Colour,
    LoudDict,
    LoudFloat,
    LoudInt,
    LoudList,
    LoudStr,
    Masked,
    Mood,
    Point,
    Record,
    flask_provider,
    outcome,
)

from kolben.http.json import Encoder, default, loads

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "60"))
VALUES = 10  # in an example
DEEPEST = 5
LONG_TEXTS = ['a"b\\c' * 9, "x" * 5000, "é" * 4097, "😀" * 4097, "\x7f" * 33]
CHARACTERS = ["abc xyz", '"\\/\x00\n\t\x1f\x7f', "é\xa0ÿ", "Āłπ\u2028\u2029", "\ud800\udfff\ufeff\uffff", "😀\U0010ffff"]
WHOLE = [0, 1, 10, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**50, 10**4299, 10**4300]
ODD_FLOATS = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e16, 1e17, 123456789012345680.0, 1e-5, 1e-4, 5e-324, 0.1 + 0.2]
TOKENS = [
    *'[]{},:" \n\t\r\v\ufeff', "true", "false", "null", "NaN", "-Infinity", '{"a":1,"a":2}', "\\u00e9", "\\ud83d", "\\uDE00", "\\uZ", "\\",
    "-0", "1E400", "1e-400", "01", "1.", ".5", "+1", "1" * 4300, "1" * 4301, "0." + "1" * 4301, "'", "nul", "\x00", "\ud800",
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
SEPARATORS = [None, None, (",", ":"), ("", ""), (" ,\n", "→")]


class Example:
    """Values and documents made from one number."""

    def __init__(self, seed: int) -> None:
        """Choose the form of the answers."""
        self.random = random.Random(seed)  # no secret
        self.mode = {"ensure_ascii": self.chance(0.5), "sort_keys": self.chance(0.5)}
        self.separators = self.pick(*SEPARATORS)
        self.kinds = [self.text, self.text, self.number, self.number, self.float, self.constant, self.constant, self.odd]

    def pick(self, *choices: Any) -> Any:
        """Return one of these."""
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        """Say yes in this share of cases."""
        return self.random.random() < share

    def value(self, depth: int = 0) -> Any:
        """Return a value; containers become rarer inside."""
        if self.random.random() * DEEPEST > depth + 1:
            return self.container(depth + 1)
        return self.pick(*self.kinds)()

    def container(self, depth: int) -> Any:
        """Return what holds others."""
        length = self.pick(0, 1, 1, 2, 3, 4, 7, 20 if depth < 2 else 2)
        if self.chance(0.5):
            make: Callable[[Any], Any] = self.pick(list, list, list, tuple, LoudList, self.twice)
            return make(self.value(depth) for _ in range(length))
        if self.chance(0.15):
            return self.pick(Point, Record)(self.value(depth), self.value(depth))
        if self.chance(0.03):  # most of these are refused
            return self.pick(dict, BrokenDict)((self.any_key(), self.value(depth)) for _ in range(length))
        key = self.pick(*[self.text] * 6, self.number, self.float, lambda: LoudStr(self.text()))
        make = self.pick(dict, dict, dict, collections.OrderedDict, LoudDict, self.defaulting)
        return make((key(), self.value(depth)) for _ in range(length))

    @staticmethod
    def twice(values: Any) -> list[Any]:
        """Return a list that is in another one twice: no circle."""
        held = list(values)
        return [held, held]

    @staticmethod
    def defaulting(items: Any) -> Any:
        """Return a dict of another kind."""
        return collections.defaultdict(list, items)

    def text(self) -> str:
        """Return a str of one width or of several, mostly short."""
        if self.chance(0.01):
            return str(self.pick(*LONG_TEXTS))
        alphabet = self.pick(*CHARACTERS, CHARACTERS[0], CHARACTERS[0], "".join(CHARACTERS))
        return "".join(self.random.choices(alphabet, k=self.pick(0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 40)))

    def number(self) -> int:
        """Return an int of any length."""
        if self.chance(0.02):
            return int(self.pick(*WHOLE)) * self.pick(1, -1) + self.pick(0, 0, 1, -1)
        return self.random.getrandbits(self.pick(1, 4, 8, 16, 31, 32, 53, 62, 63, 64, 70)) * self.pick(1, 1, -1)

    def float(self) -> float:
        """Return a float: of any bits, or of few digits."""
        if self.chance(0.1):
            return float(self.pick(*ODD_FLOATS))
        if self.chance(0.5):
            return float(struct.unpack("<d", self.random.randbytes(8))[0])
        return self.random.randint(-(10 ** self.pick(2, 5, 16)), 10 ** self.pick(1, 9, 16)) / 10 ** self.pick(0, 1, 2, 5, 9)

    def constant(self) -> Any:
        """Return one of the three."""
        return self.pick(None, True, False)

    def odd(self) -> Any:
        """Return what `default` is asked for, a subclass, or now and then what has no form."""
        if self.chance(0.03):
            return self.pick(
                object(),
                frozenset({1, 2}),
                b"bytes",
                collections.deque([1]),
                1j,
                object,
                len,
                Record,
                Masked(self.pick(str, dict, list, int)),
            )
        number = self.random.getrandbits(128)
        return self.pick(
            Colour.RED,
            Mood.GLAD,
            LoudInt(number),
            LoudFloat(self.float()),
            LoudStr("a"),
            Markup("<b>é"),
            uuid.UUID(int=number),
            decimal.Decimal(self.number() % 10**20) / 100,
            datetime.date.fromordinal(1 + number % 3652059),
            datetime.datetime(2024, 2, 29, number % 24, 30, 15, number % 1000, tzinfo=self.pick(None, datetime.UTC)),
            Record(self.text(), [1]),
        )

    def any_key(self) -> Any:
        """Return a key that may not compare with its neighbours, or may be refused."""
        return self.pick(self.text(), self.number(), self.float(), None, True, Mood.GLAD, Colour.RED, b"a", uuid.UUID(int=1), (1, 2))

    def document(self) -> Any:
        """Return JSON, or nearly, as str or bytes."""
        if self.chance(0.3):
            text = "".join(self.pick(*TOKENS) for _ in range(self.random.randint(0, 8)))
        else:
            text = self.written()
        if self.chance(0.2):
            place = self.random.randint(0, len(text))
            text = text[:place] + self.pick("", *TOKENS) + text[place + self.random.randint(0, 2) :]
        if self.chance(0.3):
            return text
        data = text.encode(self.pick(*ENCODINGS), "surrogatepass")
        if self.chance(0.1):
            place = self.random.randint(0, len(data))
            data = data[:place] + self.random.randbytes(self.random.randint(0, 3)) + data[place + self.random.randint(0, 2) :]
        return bytearray(data) if self.chance(0.1) else data

    def written(self) -> str:
        """Return a value as JSON, as another program writes it."""
        try:
            return json.dumps(self.value(), default=str, ensure_ascii=self.chance(0.7), indent=self.pick(None, None, 1, "\t"))
        except Exception:  # a key, a mask: whatever it does not take
            return json.dumps({self.text(): [self.float(), self.text()]})


def answer_of(provider: Any, value: Any) -> bytes:
    """Return what Flask sends."""
    return bytes(provider.response(value).data)


def compare_json(seed: int) -> int:
    """Have the values of an example written three ways, and as many documents read; return how many results were compared."""
    example = Example(seed)
    mode, separators = example.mode, example.separators
    answers = Encoder(**mode, separators=(",", ":"), default=default), flask_provider(**mode)
    for_people = Encoder(**mode, indent=2, default=default), flask_provider(**mode, compact=False)
    plain = Encoder(**mode, separators=separators)
    for _ in range(VALUES):
        value, document = example.value(), example.document()
        for encoder, oracle in (answers, for_people):
            expected = outcome(partial(answer_of, oracle, value))
            assert outcome(partial(encoder.encode_response, value)) == expected, (seed, value, mode, encoder)
        expected = outcome(partial(json.dumps, value, **mode, separators=separators))
        assert outcome(partial(plain.dumps, value)) == expected, (seed, value, mode, separators)
        assert repr(outcome(partial(loads, document))) == repr(outcome(partial(json.loads, document))), (seed, document)
    return 4 * VALUES


@given(st.integers(0, 2**64))
@settings(max_examples=EXAMPLES, deadline=None)
def test_json_is_written_and_read_as_flask_writes_and_json_reads_it(seed: int) -> None:
    """The same bytes, text and values, or the same refusals."""
    compare_json(seed)

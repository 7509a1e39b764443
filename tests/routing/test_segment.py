"""A part's native shape takes what its regular expression takes."""

from __future__ import annotations

import re

import pytest

from kolben.routing import Map, Rule, _segment
from kolben.routing._compiler import PART, compile_part

UUID = "0123456a-89AB-cdef-0123-456789abcdef"
SHAPES = {
    _segment.TEXT: ["<x>", "<string(length=3):x>", "<string(minlength=2,maxlength=3):x>", "<string(minlength=0):x>", "a.<x>", "a\\<x>"],
    _segment.PATH: ["<path:x>", "<path:x>/edit"],
    _segment.INTEGER: ["<int:x>", "<int(signed=True):x>", "v<int:x>", "-<int(signed=True):x>-"],
    _segment.REAL: ["<float:x>", "<float(signed=True):x>"],
    _segment.UUID: ["<uuid:x>"],
    _segment.WORD: ["<any(a,'b|c','d.e',''):x>", "<any():x>", "(<any(a,aa):x>a"],
}
TEXTS = [
    *["", "a", "ab", "abc", "abcd", "a/b", "/a", "a/", "\n", "a\n", "\na", "b|c", "b", "c", "d.e", "dxe", "é", "\x00", "\u017f"],
    *["0", "12", "-1", "--1", "-", "+1", "1.5", "-1.5", "1.", ".5", "1.5.", "٣", "٣.٣", "²", "\uff11", "\U0001d7d9"],
    *[UUID, UUID.upper(), UUID[:-1], UUID + "0", UUID.replace("-", "_"), UUID.replace("f", "g"), UUID.replace("0", "\uff10")],
]


@pytest.mark.parametrize(("shape", "variable"), [(shape, variable) for shape, variables in SHAPES.items() for variable in variables])
def test_a_built_in_converter_has_a_native_shape_that_takes_what_its_regex_takes(shape: int, variable: str) -> None:
    """Werkzeug compiles a part to a regular expression; both decide alike for every text."""
    rule = Rule(f"/{variable}", endpoint="x")
    Map([rule])
    part = next(part for part in rule._parts if not part.static)
    assert PART.fullmatch(part.content)
    pattern = compile_part(part.content, part.final, part.suffixed)
    assert pattern.shape == shape
    before, after = re.fullmatch("(.*)<.*>(.*)", variable).groups()
    for text in [*TEXTS, *[before + text + after for text in TEXTS]]:
        found = re.compile(part.content).match(text)
        assert pattern.catch(text) == (None if found is None else [found[1]]), text


OTHERS = [r"\d", r"\w+", "a|b", "[^/]{3,1}?", r"\d+\b", "(?:a|b", "(?i:a)", "[^/]{,3}", r"(?:a\d)", "(?:a|(b))", "(?:)|a"]


@pytest.mark.parametrize("regex", OTHERS)
def test_any_other_regular_expression_is_run_as_it_is(regex: str) -> None:
    """No shape is guessed."""
    assert not PART.fullmatch(rf"(?P<__werkzeug_0>{regex})\Z")

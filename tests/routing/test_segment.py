"""A part's native shape takes what its regular expression takes."""

from __future__ import annotations

import re

import pytest
from kolben.routing import Map, Rule, _segment
from kolben.routing._compiler import PART, compile_part

UUID = "0123456a-89AB-cdef-0123-456789abcdef"
VARIABLES = {
    "<x>": _segment.TEXT, "<string(length=3):x>": _segment.TEXT, "<string(minlength=2,maxlength=3):x>": _segment.TEXT,
    "<string(minlength=0):x>": _segment.TEXT, "<path:x>": _segment.PATH, "<int:x>": _segment.INTEGER, "<int(signed=True):x>": _segment.INTEGER,
    "<float:x>": _segment.REAL, "<float(signed=True):x>": _segment.REAL, "<uuid:x>": _segment.UUID, "<any(a,'b|c','d.e',''):x>": _segment.WORD,
    "<any():x>": _segment.WORD, "a.<x>": _segment.TEXT, "v<int:x>": _segment.INTEGER, "<path:x>/edit": _segment.PATH,
    "-<int(signed=True):x>-": _segment.INTEGER, "(<any(a,aa):x>a": _segment.WORD, "a\\<x>": _segment.TEXT,
}  # fmt: skip
TEXTS = [
    "", "a", "ab", "abc", "abcd", "a/b", "/a", "a/", "\n", "a\n", "\na", "0", "12", "-1", "--1", "-", "+1", "1.5", "-1.5", "1.", ".5", "1.5.", "٣", "٣.٣",
    "²", "１", "𝟙", UUID, UUID.upper(), UUID[:-1], UUID + "0", UUID.replace("-", "_"), UUID.replace("f", "g"), "b|c", "b", "c", "d.e", "dxe", "é", "\x00", "ſ",
]  # fmt: skip


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_built_in_converter_has_a_native_shape_that_takes_what_its_regex_takes(variable: str) -> None:
    """Werkzeug compiles a part to a regular expression; both decide alike for every text."""
    rule = Rule(f"/{variable}", endpoint="x")
    Map([rule])
    part = next(part for part in rule._parts if not part.static)
    assert PART.fullmatch(part.content)
    assert compile_part(part).shape == VARIABLES[variable]
    before, after = re.fullmatch("(.*)<.*>(.*)", variable).groups()
    for text in [*TEXTS, *[before + text + after for text in TEXTS]]:
        found = re.compile(part.content).match(text)
        assert compile_part(part).catch(text) == (None if found is None else [found[1]]), text


@pytest.mark.parametrize("regex", [r"\d", r"\w+", "a|b", "[^/]{3,1}?", r"\d+\b", "(?:a|b", "(?i:a)", "[^/]{,3}", r"(?:a\d)", "(?:a|(b))", "(?:)|a"])
def test_any_other_regular_expression_is_run_as_it_is(regex: str) -> None:
    """No shape is guessed."""
    assert not PART.fullmatch(rf"(?P<__werkzeug_0>{regex})\Z")

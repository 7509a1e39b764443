"""Werkzeug's rules, made into the native picture that searches walk.

The order of everything is taken from Werkzeug's own state machine, which the map keeps filling, so that priorities
cannot differ.  A part's regular expression is known by its text: `PART` describes those that have a native shape, all
others are compiled and run as they are.

Not expressed natively, so that Werkzeug's matcher serves the whole map: a map with another matcher, or whose `update`
is overridden; rules that override `provides_defaults_for`; a converter whose regular expression does not compile
(Werkzeug says so when a search gets there).
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import werkzeug.routing
from werkzeug.routing.converters import NumberConverter
from werkzeug.routing.matcher import State, StateMachineMatcher

from kolben.routing import _build, _segment
from kolben.routing._build import Recipe, Slot
from kolben.routing._node import Entry, Node
from kolben.routing._picture import Picture
from kolben.routing._quote import quote
from kolben.routing._segment import Conversion, Pattern
from kolben.routing._tree import default_rules_for

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["compile_recipe", "compile_rules"]

# What a Rule's class must not override for its URLs to be built natively.
BUILDING = ("build", "suitable_for", "_encode_query_vars", "_compile_builder", "compile")

# Text as re.escape() writes it: there is no doubt about what it matches.
LITERAL = r"(?:\\[()\[\]{}?*+\-|^$\\.&~# \t\n\r\v\f]|[^()\[\]{}?*+\-|^$\\.&~# \t\n\r\v\f])*"
SHAPES = "|".join(
    [
        r"(?P<text>\[\^/\](?:\+|\{(?P<minimum>[0-9]{1,9})(?P<range>,(?P<maximum>[0-9]{1,9})?)?\}))",
        r"(?P<path>" + re.escape(r"[^/].*?") + ")",
        r"(?P<signed>-\?)?(?:(?P<integer>\\d\+)|(?P<real>\\d\+\\\.\\d\+))",
        r"(?P<uuid>" + re.escape("-".join(f"[A-Fa-f0-9]{{{count}}}" for count in (8, 4, 4, 4, 12))) + ")",
        rf"\(\?:(?P<words>{LITERAL}(?:\|{LITERAL})*)\)",
    ],
)
PART = re.compile(rf"(?P<prefix>{LITERAL})\(\?P<__werkzeug_0>(?:{SHAPES})\)(?P<suffix>{LITERAL})\\Z")
WORD = re.compile(rf"(?:^|\|)({LITERAL})")


class NotNativeError(Exception):
    """These rules cannot be searched natively."""


def compile_rules(rules: werkzeug.routing.Map, version: int) -> Picture:
    """Return the picture of a map's rules as they are now."""
    if type(rules).update is not werkzeug.routing.Map.update:
        return Picture(version, None, rules.merge_slashes, rules.redirect_defaults)
    while True:
        rules.update()
        with rules._remap_lock:  # while Werkzeug sorts a list in place, the list looks empty to others
            if not rules._remap:
                return _compile_sorted(rules, version)


def _compile_sorted(rules: werkzeug.routing.Map, version: int) -> Picture:
    root = None
    if type(rules._matcher) is StateMachineMatcher:
        try:
            root = _compile_state(rules, rules._matcher._root)
        except NotNativeError:
            root = None
        else:
            root.collect_static_paths()
    return Picture(version, root, rules.merge_slashes, rules.redirect_defaults)


def _compile_state(rules: werkzeug.routing.Map, state: State) -> Node:
    # Copied before they are walked: rules may be added meanwhile.
    static = {part: _compile_state(rules, following) for part, following in list(state.static.items())}
    dynamic = [
        (compile_part(part.content, part.final, part.suffixed), _compile_state(rules, following)) for part, following in list(state.dynamic)
    ]
    return Node(static, dynamic, [_compile_rule(rules, rule) for rule in list(state.rules)])


def _compile_rule(rules: werkzeug.routing.Map, rule: werkzeug.routing.Rule) -> Entry:
    if type(rule).provides_defaults_for is not werkzeug.routing.Rule.provides_defaults_for:
        raise NotNativeError
    return Entry(
        rule,
        tuple(sys.intern(str(name)) for name in rule._converters),  # found among a view's parameters by their identity
        tuple(compile_conversion(converter) for converter in rule._converters.values()),
        default_rules_for(rules, rule),
    )


@lru_cache(maxsize=1024)
def compile_part(content: str, final: bool, suffixed: bool) -> Pattern:
    """Return the native pattern for a dynamic part; NotNativeError if its regular expression does not compile."""
    known = None if suffixed else PART.fullmatch(content)
    if known is not None:
        shape, limits = _known_shape(known)
        prefix, suffix = _unescape(known["prefix"]), _unescape(known["suffix"])
        return Pattern(shape, final=final, prefix=prefix, suffix=suffix, **limits)
    try:
        regex = re.compile(content)
        names = sorted((name for name in regex.groupindex if name.startswith("__werkzeug_")), key=lambda name: int(name[11:]))
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise NotNativeError from error
    return Pattern(_segment.REGEX, final=final, suffixed=suffixed, regex=regex, groups=tuple(names))


def _known_shape(known: re.Match[str]) -> tuple[int, dict[str, Any]]:
    """Return a shape and the limits that go with it."""
    if known["text"] is not None:
        return _segment.TEXT, _text_limits(known)
    if known["integer"] is not None:
        return _segment.INTEGER, {"signed": known["signed"] is not None}
    if known["real"] is not None:
        return _segment.REAL, {"signed": known["signed"] is not None}
    if known["words"] is not None:
        return _segment.WORD, {"words": frozenset(_unescape(word) for word in WORD.findall(known["words"]))}
    return (_segment.PATH if known["path"] is not None else _segment.UUID), {}


def _text_limits(known: re.Match[str]) -> dict[str, int]:
    if known["minimum"] is None:
        return {"minimum": 1}
    minimum = int(known["minimum"])
    if known["range"] is None:
        return {"minimum": minimum, "maximum": minimum}
    if known["maximum"] is None:
        return {"minimum": minimum}
    if int(known["maximum"]) < minimum:
        raise NotNativeError
    return {"minimum": minimum, "maximum": int(known["maximum"])}


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def compile_conversion(converter: werkzeug.routing.BaseConverter) -> Conversion:
    """Return how this converter makes values: natively where its class inherits a built-in `to_python` unchanged."""
    inherited = None if "to_python" in vars(converter) else type(converter).to_python
    if inherited is werkzeug.routing.BaseConverter.to_python:
        return Conversion(_segment.KEEP, converter)
    if isinstance(converter, NumberConverter) and inherited is NumberConverter.to_python and type(converter.fixed_digits) is int:
        kind = _segment.TO_INT if converter.num_convert is int else _segment.TO_FLOAT if converter.num_convert is float else _segment.CALL
        return Conversion(kind, converter, fixed_digits=converter.fixed_digits, minimum=converter.min, maximum=converter.max)
    return Conversion(_segment.CALL, converter)


def compile_recipe(rule: werkzeug.routing.Rule) -> Recipe:
    """Return how a rule's URLs are made: natively unless its class overrides a step, or its defaults are unusual."""
    defaults = rule.defaults or {}
    overridden = any(getattr(type(rule), name) is not getattr(werkzeug.routing.Rule, name) for name in BUILDING)
    if overridden or any(type(name) is not str for name in defaults):
        return Recipe(rule)
    parts: list[str | Slot] = []
    for is_variable, text in rule._trace:
        part = _compile_piece(rule, text, defaults) if is_variable else quote(text)
        if part is None:
            return Recipe(rule)
        parts.append(part)
    border = rule._trace.index((False, "|"))  # between the domain and the path
    return Recipe(rule, _fold(parts[:border]), _fold(parts[border + 1 :]))


def _compile_piece(rule: werkzeug.routing.Rule, name: str, defaults: Mapping[str, Any]) -> str | Slot | None:
    """Return a place for a variable's value, or its default as literal text; None for what only the rule can make."""
    converter = rule._converters[name]
    if name not in defaults:
        return Slot(name, _slot_kind(converter), converter)
    literal = converter.to_url(defaults[name])
    return literal if type(literal) is str else None


def _slot_kind(converter: werkzeug.routing.BaseConverter) -> int:
    inherited = None if "to_url" in vars(converter) else type(converter).to_url
    if inherited is werkzeug.routing.BaseConverter.to_url:
        return _build.QUOTE
    if isinstance(converter, NumberConverter) and inherited is NumberConverter.to_url:
        return _build.NUMBER if converter.num_convert is int and not converter.fixed_digits else _build.ASK
    return _build.ASK


def _fold(parts: list[str | Slot]) -> tuple[str | Slot, ...]:
    """Join neighbouring literal texts."""
    folded: list[str | Slot] = []
    for part in parts:
        if isinstance(part, str) and folded and isinstance(folded[-1], str):
            folded[-1] += part
        else:
            folded.append(part)
    return tuple(folded or [""])

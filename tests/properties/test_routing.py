"""Kolben's map answers what Werkzeug's answers: for any rules, settings, paths, hosts, methods and values.

KOLBEN_EXAMPLES says how many examples are tried, of each property; each holds some dozens of questions.  An example
is made from a number by a generator of its own, since it is the amount that finds things here, not the shrinking.
"""

from __future__ import annotations

import os
import random
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import werkzeug.routing
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import BaseConverter, IntegerConverter, RequestRedirect, ValidationError

import kolben.routing

if TYPE_CHECKING:
    from collections.abc import Callable

    Spec = tuple[str, dict[str, Any]]

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "80"))
thorough = settings(max_examples=EXAMPLES, deadline=None)


class PickyConverter(BaseConverter):
    """Refuses some of what its regular expression takes."""

    regex = "[a-z0-9]+"
    weight = 75

    def to_python(self, value: str) -> str:
        """Refuse what is even in length."""
        if len(value) % 2 == 0:
            raise ValidationError
        return value.upper()

    def to_url(self, value: object) -> str:
        """Refuse the same, so that another rule builds."""
        if len(str(value)) % 2 == 0:
            raise ValidationError
        return super().to_url(str(value).lower())


class PairConverter(BaseConverter):
    """Takes two segments, and has groups of its own."""

    regex = "([a-z]+)/(?P<second>[0-9]+)"


class SuffixConverter(BaseConverter):
    """Leaves nothing for others, line feeds included."""

    regex = "(?s:.+)"
    part_isolating = True


class HexConverter(IntegerConverter):
    """Stands for `int` in some maps."""

    regex = "[0-9a-f]+"

    @staticmethod
    def num_convert(value: str) -> int:
        """Read base 16."""
        return int(str(value), 16)


class NumberUrlConverter(BaseConverter):
    """Makes something for a URL that is no str."""

    def to_url(self, value: object) -> Any:
        """Return a number."""
        return len(str(value))


CUSTOM = {"picky": PickyConverter, "pair": PairConverter, "suffix": SuffixConverter, "number_url": NumberUrlConverter}
UUID = "12345678-1234-5678-1234-567812345678"
VARIABLES = {  # what stands in a rule: what it takes, or nearly
    "<{}>": ["a", "post", "x y", "é", "a.b", "a-b", "%2F", "\n", "<x>"],
    "<string:{}>": ["a", "b", "1"],
    "<int:{}>": ["0", "42", "007", "1" * 18, "1" * 19, "٣", "9" * 4301, "²", "1_0", "-1"],
    "<path:{}>": ["a", "a/b", "a//b", "a/b/", "\n", "a\n", "a/\nb"],
    "<float:{}>": ["1.5", "0.0", "1.", ".5", "٣.٣", "9" * 400 + ".0", "1.5.5", "-1.5"],
    "<uuid:{}>": [UUID, UUID.upper().replace("1", "A"), UUID[:-1] + "g", UUID[:-1]],
    "<any(a,b,post):{}>": ["a", "b", "post", "p"],
    "<any('a.b','x y','c|d'):{}>": ["a.b", "x y", "c|d", "c", "axb"],
    "<any():{}>": ["", "a"],
    "<string(length=2):{}>": ["ab", "éé", "a", "abc"],
    "<string(minlength=2,maxlength=3):{}>": ["ab", "abc", "a", "abcd"],
    "<string(minlength=0):{}>": ["", "a"],
    "<int(fixed_digits=2):{}>": ["07", "7", "007"],
    "<int(min=2,max=40):{}>": ["2", "40", "1", "41"],
    "<int(signed=True):{}>": ["-3", "3", "--3", "-", "+3"],
    "<int(max=3,signed=True,fixed_digits=2):{}>": ["-3", "03", "04"],
    "<float(signed=True,max=2.5):{}>": ["-1.5", "2.5", "2.6"],
    "<picky:{}>": ["abc", "ab", "a"],
    "<pair:{}>": ["ab/12", "ab", "x/1"],
    "<suffix:{}>": ["anything", "a\nb"],
    "<number_url:{}>": ["a"],
    "<string(minlength=3,maxlength=2):{}>": ["abc"],  # does not compile
}
USUAL = 6  # of these, the first, are in most rules
VALUES = sorted({value for values in VARIABLES.values() for value in values})
LITERALS = ["a", "b", "post", "user", "a.b", "é", "x y", "1", "-", "."]
HOSTS = ["", "a", "b", "example.com", "a.example.com", "1", "a.b", "é"]
METHODS = ["GET", "GET", "GET", "POST", "POST", "HEAD", "get", "--", "OPTIONS"]
NAMES = ["id", "name", "slug", "lang", "page"]
BUILD_VALUES = [
    0, 1, 42, -3, 10**20, 1.5, 1e300, float("nan"), True, False, None, uuid.UUID(UUID), b"bytes", {"a"}, (), [], ["a", None, 1], ("a", "é"),
    [["a"]], {}, Markup("<b>"), MultiDict([("x", "y"), ("x", "z")]), "\ud800", "a&b=c+d ?#/;%", "a\x00", "~!*'()$,:@",
]  # fmt: skip


def redirect_target(adapter: object, **values: object) -> str:
    """Say where to, as a callable `redirect_to` does."""
    return f"called/{type(adapter).__name__}/{sorted(values)}"


class Example:
    """Rules, settings and questions, made from one number."""

    def __init__(self, seed: int) -> None:
        """Make the settings and the rules."""
        self.random = random.Random(seed)  # no secret
        several = [None, *HOSTS, self.segment(["sub"]), self.segment(["sub"])]
        self.domains = self.pick([None], [None], ["a"], ["example.com"], [self.segment(["sub"])], several)
        self.specs = [self.rule() for _ in range(self.random.randint(1, 6))]
        self.options = {
            "default_subdomain": self.pick("", "", "a"),
            "strict_slashes": self.pick(True, False),
            "merge_slashes": self.pick(True, False),
            "redirect_defaults": self.pick(True, False),
            "sort_parameters": self.chance(0.1),
            "host_matching": self.domains[0] is not None and self.chance(0.5),
            "converters": self.pick(CUSTOM, CUSTOM, CUSTOM | {"int": HexConverter}),
        }
        domain = self.pick(*self.domains)
        domain = None if domain is None else re.sub(r"<[^>]*>", self.value, domain)
        server_names = [domain or "a", domain or "b", "a.example.com:80"] if self.options["host_matching"] else ["example.com", "é.com"]
        self.binding = {
            "server_name": self.pick(*server_names),
            "script_name": self.pick(None, "/", "/app", "/app/"),
            "url_scheme": self.pick("http", "http", "http", "https", "https", "ws", "wss", ""),
            "query_args": self.pick(None, "", "a=b", {"a": "é", "b": ["1", "2"]}),
            "default_method": self.pick("GET", "GET", "POST"),
            "subdomain": None if self.options["host_matching"] else self.pick(*HOSTS) if self.chance(0.1) else domain,
        }

    def pick(self, *choices: Any) -> Any:
        """Return one of these."""
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        """Say yes in this share of cases."""
        return self.random.random() < share

    def rule(self) -> Spec:
        """Return what one Rule is made of."""
        names = self.random.sample(NAMES, len(NAMES))
        domain = self.pick(*self.domains)
        path = "/" + "/".join(self.segment(names) for _ in range(self.pick(0, 1, 1, 2, 2, 3))) + self.pick("", "", "/")
        methods = self.pick(None, None, ["GET"], ["POST"], ["GET", "POST"], [], ["OPTIONS"])
        return path, {
            "endpoint": self.pick("one", "two", "three"),
            "defaults": self.defaults([name for name in NAMES if name not in names] or NAMES),
            "methods": methods,
            "strict_slashes": self.pick(None, None, True, False),
            "merge_slashes": self.pick(None, None, True, False),
            "build_only": self.chance(0.1),
            "alias": self.chance(0.1),
            "redirect_to": self.pick(*[None] * 12, "new/<id>", "/there", redirect_target),
            "websocket": self.chance(0.15) and "POST" not in (methods or ()),
            "subdomain": domain,
            "host": domain,
        }

    def defaults(self, names: list[str]) -> dict[str, Any] | None:
        """Return defaults for some of these names."""
        if self.chance(0.7):
            return None
        return {self.pick(*names): self.pick("a", "1", 1, None) for _ in range(self.pick(0, 1, 1, 2))}

    def segment(self, names: list[str]) -> str:
        """Return one part of a rule: literal, variable, or both.  Takes the names it uses away from `names`."""
        pieces = []
        for kind in self.pick("l", "l", "l", "v", "v", "v", "v", "lv", "vl", "lvl", "vlv", ""):
            if kind == "v" and names:
                pieces.append(self.pick(*(VARIABLES if self.chance(0.1) else list(VARIABLES)[:USUAL])).format(names.pop()))
            else:
                pieces.append(self.pick(*LITERALS))
        return "".join(pieces)

    def path(self) -> str | None:
        """Return a path that is like a rule's, or any."""
        if self.chance(0.1):
            parts = [self.pick(*LITERALS, *VALUES, "") for _ in range(self.random.randint(0, 4))]
            return self.pick(None, "", "a", "//", "/" + "/".join(parts))
        path = re.sub(r"<[^>]*>", self.value, self.pick(*self.specs)[0])
        return self.pick(path, path, path, path, path + "/", path.rstrip("/"), path.replace("/", "//"), path + "/a")

    def value(self, variable: re.Match[str]) -> str:
        """Return what a variable takes, mostly."""
        fitting = VARIABLES[re.sub(r"\w+>$", "{}>", variable[0])]
        return fitting[0] if self.chance(0.6) else self.pick(*(fitting if self.chance(0.9) else VALUES))

    def build_arguments(self) -> dict[str, Any]:
        """Return arguments of `build`, mostly for a rule that there is."""
        path, options = self.pick(*self.specs)
        values: Any = {
            variable[1]: self.value(variable) if self.chance(0.7) else self.pick(*BUILD_VALUES)
            for variable in re.finditer(r"<[^>]*?(\w+)>", path + (options["host"] or ""))
            if self.chance(0.95)
        }
        if options["defaults"] and self.chance(0.5):
            values |= options["defaults"]
        if self.chance(0.4):
            values[self.pick(*NAMES, "q", "x y", ".self", ".kwargs", "self", "é", 1, Markup("m"))] = self.pick(*VALUES, *BUILD_VALUES)
        return {
            "endpoint": options["endpoint"] if self.chance(0.95) else "none",
            "values": self.pick(values, values, values, MultiDict(values), values or None),
            "method": self.pick(None, None, None, "GET", "POST"),
            "force_external": self.chance(0.3),
            "append_unknown": self.chance(0.7),
            "url_scheme": self.pick(None, None, "https", "ws", ""),
        }

    def make_adapters(self) -> list[Any]:
        """Return Werkzeug's and our map with the same rules, bound; or what they refuse."""
        return [outcome(partial(self.make_adapter, library)) for library in (werkzeug.routing, kolben.routing)]

    def make_adapter(self, library: Any) -> werkzeug.routing.MapAdapter:
        """Return a map with these rules, bound."""
        rules = library.Map([library.Rule(path, **options) for path, options in self.specs], **self.options)
        return rules.bind(**self.binding)


def outcome(question: Callable[[], Any]) -> Any:
    """Return an answer, or an exception as something that compares."""
    try:
        return question()
    except RequestRedirect as error:
        return RequestRedirect, error.new_url
    except MethodNotAllowed as error:
        return MethodNotAllowed, sorted(error.valid_methods)  # Werkzeug's order is that of a set
    except HTTPException as error:
        return type(error)
    except werkzeug.routing.BuildError as error:
        return type(error), error.endpoint, repr(error.values), error.method
    except Exception as error:  # whatever Werkzeug raises, we raise
        return type(error), str(error)


def comparable(answer: Any) -> Any:
    """Return a matched rule as text: the two maps have rules of their own."""
    if isinstance(answer, tuple) and isinstance(answer[0], werkzeug.routing.Rule):
        return repr(answer[0]), answer[0].methods, [(name, type(value), value) for name, value in answer[1].items()]
    return answer


def compare_matches(seed: int) -> int:
    """Ask both maps of an example which rules match; return how many questions were compared."""
    example = Example(seed)
    oracle, ours = example.make_adapters()
    if not isinstance(oracle, werkzeug.routing.MapAdapter):
        assert ours == oracle
        return 1
    for _ in range(40):
        question = {"path_info": example.path(), "method": example.pick(*METHODS), "websocket": example.pick(None, None, None, True, False)}
        expected, answer = (comparable(outcome(partial(adapter.match, return_rule=True, **question))) for adapter in (oracle, ours))
        assert answer == expected, (question, example.specs, example.options, example.binding)
    return 40


def compare_urls(seed: int) -> int:
    """Have both maps of an example build URLs; return how many were compared."""
    example = Example(seed)
    oracle, ours = example.make_adapters()
    if not isinstance(oracle, werkzeug.routing.MapAdapter):
        assert ours == oracle
        return 1
    for _ in range(30):
        arguments = example.build_arguments()
        expected, answer = (outcome(partial(adapter.build, **arguments)) for adapter in (oracle, ours))
        assert answer == expected, (arguments, example.specs, example.options, example.binding)
        assert type(answer) is type(expected)
    return 30


@given(st.integers(0, 2**64))
@thorough
def test_a_match_is_werkzeugs_match(seed: int) -> None:
    """Same rule, same values in the same order, or the same exception, for any path."""
    compare_matches(seed)


@given(st.integers(0, 2**64))
@thorough
def test_a_url_is_werkzeugs_url(seed: int) -> None:
    """Same URL or same exception for any endpoint and values."""
    compare_urls(seed)

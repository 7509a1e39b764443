"""A map is Werkzeug's, and notices what happens to it."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
import werkzeug.routing
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import create_environ

from kolben.routing import BaseConverter, BuildError, Map, MapAdapter, RequestRedirect, Rule, Submount


def test_it_and_its_adapters_are_werkzeugs() -> None:
    """The ecosystem asks with isinstance."""
    rules = Map([Rule("/", endpoint="index")])
    assert isinstance(rules, werkzeug.routing.Map)
    for adapter in (rules.bind("example.com"), rules.bind_to_environ(create_environ("/?a=b"))):
        assert type(adapter) is MapAdapter
        assert isinstance(adapter, werkzeug.routing.MapAdapter)
        assert adapter.match("/") == ("index", {})


def test_werkzeugs_rules_and_factories_are_taken() -> None:
    """Users bring what they have."""
    rules = Map([Submount("/blog", [werkzeug.routing.Rule("/<int:id>", endpoint="show")])])
    assert rules._tree.is_native
    assert rules.bind("example.com").match("/blog/1") == ("show", {"id": 1})


def test_a_rule_that_is_added_later_is_seen() -> None:
    """By the next match and by the next URL, with an adapter that was there before."""
    rules = Map([Rule("/", endpoint="index")])
    adapter = rules.bind("example.com")
    with pytest.raises(NotFound):
        adapter.match("/late")
    before = rules.version
    rules.add(Rule("/late", endpoint="late"))
    assert rules.version != before
    assert adapter.match("/late") == ("late", {})
    assert adapter.build("late") == "/late"


def test_rules_may_be_added_while_others_search() -> None:
    """A rule that was there is always found, and a new one by who added it, at once."""
    rules = Map([Rule("/", endpoint="index"), Rule("/<int:id>/x", endpoint="old")])
    adapter = rules.bind("example.com")
    done = threading.Event()
    wrong: list[Any] = []

    def search() -> None:
        while not done.is_set():
            if adapter.match("/1/x") != ("old", {"id": 1}) or adapter.build("old", {"id": 1}) != "/1/x":
                wrong.append(1)

    searchers = [threading.Thread(target=search) for _ in range(2)]
    for searcher in searchers:
        searcher.start()
    try:
        for number in range(50):
            rules.add(Rule(f"/n{number}/<path:rest>", endpoint=f"new{number}"))
            assert adapter.match(f"/n{number}/y") == (f"new{number}", {"rest": "y"})
    except Exception as error:  # the searchers have to end
        wrong.append(error)
    done.set()
    for searcher in searchers:
        searcher.join()
    assert not wrong


@pytest.mark.parametrize(
    ("name", "value"),
    [("strict_slashes", False), ("merge_slashes", False), ("host_matching", True), ("redirect_defaults", False), ("converters", {})],
)
def test_a_setting_of_the_map_changes_its_version(name: str, value: object) -> None:
    """Owners keep what they derived from the rules until then."""
    rules = Map([Rule("/", endpoint="index")])
    before = rules.version
    setattr(rules, name, value)
    assert rules.version != before


def test_what_is_no_setting_does_not_change_the_version() -> None:
    """Searching, sorting and notes of others on a rule or a map must not have the rules compiled again."""
    rule = Rule("/", endpoint="index")
    rules = Map([rule])
    before = rules.version
    rules.bind("example.com").match("/")
    rules.update()
    rules.note = rule.note = "x"
    assert rules.version == before


def test_a_rule_that_is_changed_in_place_is_seen() -> None:
    """Kolben's rules tell their map."""
    rule = Rule("/", endpoint="index")
    adapter = Map([rule]).bind("example.com")
    assert adapter.match("/") == ("index", {})
    rule.endpoint = "other"
    rule.methods = {"POST"}
    with pytest.raises(MethodNotAllowed):
        adapter.match("/")
    assert adapter.match("/", "POST") == ("other", {})


def test_a_werkzeug_rule_that_is_bound_again_builds_anew() -> None:
    """Rule.refresh() is what Werkzeug offers for it."""
    rule = werkzeug.routing.Rule("/a", endpoint="index")
    adapter = Map([rule]).bind("example.com")
    assert adapter.build("index") == "/a"
    rule.rule = "/b"
    rule.refresh()
    assert adapter.build("index") == "/b"


def test_an_endpoint_that_is_taken_out_builds_no_more() -> None:
    """Applications are seen to take "static" out of the map's private dictionary."""
    rules = Map([Rule("/static/<path:filename>", endpoint="static")])
    adapter = rules.bind("example.com")
    assert adapter.build("static", {"filename": "a/b"}) == "/static/a/b"
    rules._rules_by_endpoint.pop("static")
    with pytest.raises(BuildError):
        adapter.build("static", {"filename": "a"})


def test_a_copy_has_a_tree_of_its_own() -> None:
    """A shallow copy shares the rules, as Werkzeug's does, but not its settings."""
    rules = Map([Rule("/a/", endpoint="index")])
    other = copy.copy(rules)
    other.redirect_defaults = False
    assert other._tree is not rules._tree
    assert other.bind("example.com").match("/a/") == ("index", {})


def test_too_many_digits_are_not_found() -> None:
    """SECURITY: the interpreter refuses more than 4,300 digits; that is a 404, as in Werkzeug, and no error."""
    adapter = Map([Rule("/<int:id>", endpoint="x")]).bind("example.com")
    assert adapter.match("/" + "9" * 4300)[0] == "x"
    with pytest.raises(NotFound):
        adapter.match("/" + "9" * 4301)


class AskingConverter(BaseConverter):
    """Asks the map while the map asks it."""

    def to_python(self, value: str) -> Any:
        """Return what the map finds under another path."""
        return (value, self.map.bind("a").match("/plain/7/x"))


def test_a_converter_may_search_while_a_search_goes_on() -> None:
    """A search lends its memory to no other."""
    adapter = Map([Rule("/ask/<asking:a>/<b>", endpoint="ask"), Rule("/plain/<int:n>/<c>", endpoint="plain")], converters={
        "asking": AskingConverter}).bind("a")  # fmt: skip
    for _ in range(2):
        assert adapter.match("/ask/1/é") == ("ask", {"a": ("1", ("plain", {"n": 7, "c": "x"})), "b": "é"})


def test_what_a_way_that_led_nowhere_caught_is_forgotten() -> None:
    """Many ways catch and fail before one leads to a rule: it has its own values, and no more room was needed than it takes."""
    rules = [Rule(f"/<a>/<int:b>/<c>/<string(length=1):d>/end{n}", endpoint=f"long{n}") for n in range(3)]
    rules += [Rule("/x/<path:rest>", endpoint="path"), Rule("/<a>/<b>/<c>/<d>/<e>", endpoint="any", methods=["GET"])]
    adapter = Map([*rules, Rule("/x/1/<regex>/d/other/<f>", endpoint="deep")]).bind("a")
    assert adapter.match("/x/1/c/d/end1") == ("path", {"rest": "1/c/d/end1"})
    assert adapter.match("/y/1/c/d/end1") == ("long1", {"a": "y", "b": 1, "c": "c", "d": "d"})
    assert adapter.match("/y/1/c/d/end9") == ("any", {"a": "y", "b": "1", "c": "c", "d": "d", "e": "end9"})
    assert adapter.match("/x/1/c/d/other/\u20ac") == ("deep", {"regex": "c", "f": "\u20ac"})
    with pytest.raises(NotFound):
        adapter.match("/y/1/c/d/end1/more")


def test_a_slash_redirect_stays_on_this_host() -> None:
    """SECURITY: a path of several slashes is no other host."""
    adapter = Map([Rule("/<path:x>/", endpoint="x")]).bind("example.com")
    with pytest.raises(RequestRedirect) as redirect:
        adapter.match("//evil.example/a")
    assert redirect.value.new_url == "http://example.com/evil.example/a/"


class Mistaken(BaseConverter):
    """Fails in its own way."""

    def to_python(self, value: str) -> str:
        """Raise what is no ValidationError."""
        raise LookupError(value)


def test_what_a_converter_raises_is_raised() -> None:
    """Only ValidationError means that the rule does not match."""
    adapter = Map([Rule("/<mistaken:x>", endpoint="x")], converters={"mistaken": Mistaken}).bind("example.com")
    with pytest.raises(LookupError, match="abc"):
        adapter.match("/abc")


class LazyMap(Map):
    """Adds its rules when they are needed."""

    def update(self) -> None:
        """Add one rule, once."""
        if not self._rules_by_endpoint:
            self.add(Rule("/lazy", endpoint="lazy"))
        super().update()


class OddRule(Rule):
    """Decides about defaults in its own way."""

    def provides_defaults_for(self, rule: werkzeug.routing.Rule) -> bool:  # Werkzeug's signature
        """Never."""
        return False


class BrokenConverter(BaseConverter):
    """Cannot be compiled."""

    regex = "("


@pytest.mark.parametrize(
    "rules",
    [
        LazyMap(),
        Map([OddRule("/lazy", endpoint="lazy")]),
        Map([Rule("/lazy", endpoint="lazy"), Rule("/x/<broken:x>", endpoint="x")], converters={"broken": BrokenConverter}),
    ],
)
def test_what_the_tree_cannot_express_werkzeug_searches(rules: Map) -> None:
    """For the whole map, with the same answers."""
    assert not rules._tree.is_native
    adapter = rules.bind("example.com")
    assert adapter.match("/lazy") == ("lazy", {})
    assert adapter.build("lazy") == "/lazy"
    with pytest.raises(NotFound):
        adapter.match("/other")


def test_a_host_need_not_be_made_as_a_str() -> None:
    """A converter's `to_url` may return a number: it is written into the URL, as by Werkzeug."""

    class Length(BaseConverter):
        def to_url(self, value: object) -> Any:
            return len(str(value))

    rules = Map([Rule("/", host="<length:name>", endpoint="index")], host_matching=True, converters={"length": Length})
    assert rules.bind("example.com", url_scheme="").build("index", {"name": "abc"}) == "//3/"


def test_view_args_belong_to_the_caller() -> None:
    """Changing them changes no later match, nor the rule's defaults."""
    adapter = Map([Rule("/", endpoint="x", defaults={"page": 1})]).bind("example.com")
    adapter.match("/")[1]["page"] = 2
    assert adapter.match("/") == ("x", {"page": 1})


def test_the_outcomes_of_a_search_are_no_exceptions() -> None:
    """The native face is told what happened."""
    tree = Map([Rule("/a/", endpoint="a", methods=["GET"]), Rule("/ws", endpoint="ws", websocket=True)])._tree
    found = tree.find("", "/a/", "get", websocket=False)
    assert (found.endpoint, found.view_args, found.is_redirect) == ("a", {}, False)
    assert tree.find("", "/a/", "PUT", websocket=False).allowed == {"GET", "HEAD"}
    assert tree.find("", "/a", "GET", websocket=False).path == "/a/"
    assert repr(tree.find("", "/b", "GET", websocket=False)).startswith("<Match not found")
    assert repr(tree.find("", "/ws", "GET", websocket=False)).startswith("<Match websocket mismatch")

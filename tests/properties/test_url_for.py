"""Kolben's url_for returns or raises what Flask's does: for any rules, settings, values, hooks and contexts.

KOLBEN_EXAMPLES says how many examples are tried, each of some dozens of questions.  An example is made from a number by a
generator of its own, since it is the amount that finds things here, not the shrinking.
"""

from __future__ import annotations

import os
import random
import uuid
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.routing import BaseConverter, BuildError, Map, Rule, ValidationError

import flask
import kolben.app.urls
from kolben.app import App
from kolben.app.blueprints import Blueprint
from kolben.app.globals import request, request_ctx
from kolben.app.wrappers import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = tuple[Any, ...]

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "40"))
QUESTIONS = 12


class Picky(BaseConverter):
    """Refuses an even length, so that another rule builds."""

    def to_url(self, value: object) -> str:
        """Refuse, raise or return something that is no str."""
        if len(str(value)) % 2 == 0:
            raise ValidationError
        if value == "boom":
            raise LookupError("boom")
        return super().to_url(value)


class Text(str):
    """A str, but not exactly one."""

    __slots__ = ()


def replacements(base: type[Any]) -> dict[str, Callable[..., Any]]:
    """Return methods that call what they replace, and leave a trace."""

    def url_for(self: Any, /, endpoint: str, **values: Any) -> str:
        return f"tagged:{base.url_for(self, endpoint, **values)}"

    def inject_url_defaults(self: Any, endpoint: str, values: dict[str, Any]) -> None:
        base.inject_url_defaults(self, endpoint, values)
        values.setdefault("injected", endpoint)

    def create_url_adapter(self: Any, request: Any) -> Any:
        adapter = base.create_url_adapter(self, request)
        if adapter is not None:
            adapter.script_name = "/elsewhere/"
        return adapter

    def handle_url_build_error(self: Any, error: BuildError, endpoint: str, values: dict[str, Any]) -> Any:
        if endpoint == "known":
            return f"known:{sorted(values.items(), key=str)}"
        return base.handle_url_build_error(self, error, endpoint, values)

    return {function.__name__: function for function in (url_for, inject_url_defaults, create_url_adapter, handle_url_build_error)}


RULES = [
    "/", "/a", "/a/", "/user/<int:id>", "/user/<int:id>/post/<slug>", "/<slug>", "/x y/<slug>", "/f/<path:name>", "/p/<picky:slug>",
    "/<float:id>", "/<int(fixed_digits=3):id>", "/<lang>/<slug>/", "/<any(a,b):lang>", "/<uuid:id>",
]  # fmt: skip
ENDPOINTS = ["one", "two", "three"]
VALUES = [
    0, 42, -3, 1.5, True, None, "a", "hello-world", "boom", "x y", "é/ü?&=#", "", "a+b%20", "\ud800", Text("text"), Markup("<b>"), b"bytes",
    ["a", None, 1], ("x", "é"), [], {}, {"a"}, MultiDict([("x", "y"), ("x", "z")]), uuid.UUID(int=5), 10**20, float("nan"),
]  # fmt: skip
NAMES = ["id", "slug", "name", "lang", "page", "q", "self", "endpoint_", "values", "é", "x y"]
ANCHORS = [None, None, None, "", "top", "a b%20é", "#?/:@'\"<>", 3, b"by tes", Text("t"), "\ud800"]
HOSTS = ["localhost", "example.com", "a.example.com", "example.com:8080", "other.test"]


class Example:
    """Rules, settings, hooks and questions, made from one number; the same for both libraries."""

    def __init__(self, seed: int) -> None:
        """Make what apps are made of."""
        self.random = random.Random(seed)  # no secret
        self.kind = self.pick("plain", "plain", "plain", "host", "subdomain")
        self.rules = [self.rule() for _ in range(self.random.randint(1, 5))]
        self.inner = [self.rule() for _ in range(self.random.randint(0, 2))]
        self.config = {
            "SERVER_NAME": self.pick(None, None, "example.com", "example.com:8080"),
            "APPLICATION_ROOT": self.pick("/", "/", "/root"),
            "PREFERRED_URL_SCHEME": self.pick("http", "https"),
            "TRUSTED_HOSTS": self.pick(None, None, None, None, ["localhost", ".example.com"]),
        }
        self.replaced = [name for name in replacements(object) if self.chance(0.1)]
        self.default_subdomain = self.pick("", "", "", "", "a")
        some = range(self.pick(0, 0, 0, 1, 2))
        self.defaults = [(self.pick(None, "bp", "other"), self.pick(*NAMES[:5]), self.pick("de", 1, None)) for _ in some]
        self.handlers = [self.pick(None, "three", "none") for _ in range(self.pick(0, 0, 0, 1, 2))]
        self.later = self.pick("nothing", "nothing", "defaults", "replace", "rule", "subdomain", "unreplace")
        self.where = {
            "path": self.pick("/ask", "/ask", "/bp/ask", "/nowhere"),
            "method": self.pick("GET", "GET", "POST"),
            "base_url": f"{self.pick('http', 'http', 'https')}://{self.pick(*HOSTS)}{self.pick('', '', '/', '/mounted', '/m/é/')}",
        }

    def pick(self, *choices: Any) -> Any:
        """Return one of these."""
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        """Say yes in this share of cases."""
        return self.random.random() < share

    def rule(self) -> tuple[str, str, dict[str, Any]]:
        """Return path, endpoint and options of a rule that Werkzeug takes."""
        while True:
            path, endpoint, options = self.any_rule()
            try:
                Map([Rule(path, **options)], converters={"picky": Picky}, host_matching=self.kind == "host")
            except (ValueError, TypeError, SyntaxError):
                continue
            return path, endpoint, options

    def any_rule(self) -> tuple[str, str, dict[str, Any]]:
        """Return what a rule is made of."""
        options: dict[str, Any] = {"methods": self.pick(None, None, None, ["GET"], ["POST"], ["GET", "POST"])}
        if self.chance(0.2):
            options["defaults"] = {self.pick(*NAMES[:5]): self.pick("a", 1, 42, None)}
        if self.chance(0.08):
            options |= {"websocket": True, "methods": ["GET"]}
        if self.kind == "host":
            options["host"] = self.pick("localhost", "example.com", "<lang>.example.com", "example.com:8080")
        elif self.kind == "subdomain" and self.chance(0.5):
            options["subdomain"] = self.pick("a", "<lang>")
        return self.pick(*RULES), self.pick(*ENDPOINTS), options

    def question(self) -> tuple[str, dict[str, Any]]:
        """Return an endpoint and values, mostly such as fit."""
        place, (path, name, _options) = self.pick(*[("", rule) for rule in self.rules], *[("bp.", rule) for rule in self.inner])
        endpoint = place + name if self.chance(0.85) else self.pick(f".{name}", ".ask", "none", "bp.none", "known", ".", "", Text(name))
        values = {name: self.pick(*VALUES[:8], *VALUES) for name in NAMES[:4] if f"{name}>" in path or self.chance(0.05)}
        if self.chance(0.4):
            values |= {self.pick(*NAMES): self.pick(*VALUES) for _ in range(self.pick(1, 1, 2))}
        for name, chance, choices in (
            ("_anchor", 0.2, ANCHORS),
            ("_method", 0.2, ["GET", "POST", "get", None]),
            ("_scheme", 0.15, ["https", "http", "ws", "", None]),
            ("_external", 0.2, [True, False, None]),
        ):
            if self.chance(chance):
                values[name] = self.pick(*choices)
        return endpoint, values

    def make_app(self, base: type[Any], blueprint_class: type[Any]) -> Any:
        """Return the app, of Flask's class or of ours."""
        methods = {name: method for name, method in replacements(base).items() if name in self.replaced}
        cls = type(base)("Replaced", (base,), methods) if methods else base
        # A name that is a package's: finding the instance folder of another would cost more than all the rest.
        app = cls("json", static_folder=None, host_matching=self.kind == "host", subdomain_matching=self.kind == "subdomain")
        app.config.update(self.config)
        app.url_map.converters["picky"] = Picky
        app.url_map.default_subdomain = self.default_subdomain
        inner = blueprint_class("bp", "json", url_prefix="/bp")
        for where, rules in ((app, self.rules), (inner, self.inner)):
            for path, endpoint, options in rules:
                where.add_url_rule(path, endpoint, **options)
        for where in (app, inner):
            where.add_url_rule("/ask", "ask", methods=["GET", "POST"], **({"host": "<host>"} if self.kind == "host" else {}))
        app.register_blueprint(inner)
        for name, key, value in self.defaults:
            app.url_default_functions.setdefault(name, []).append(_defaults_function(key, value))
        app.url_build_error_handlers.extend(_error_handler(endpoint) for endpoint in self.handlers)
        return app

    def change(self, app: Any) -> None:
        """Change something after URLs were built."""
        if self.later == "defaults":
            app.url_default_functions.setdefault(None, []).append(_defaults_function("slug", "later"))
        elif self.later == "replace":
            app.inject_url_defaults = lambda endpoint, values: values.update(later=endpoint)
        elif self.later == "unreplace" and self.replaced:
            delattr(type(app), self.replaced[0])
        elif self.later == "rule":
            app.url_map.add(app.url_rule_class("/later/<slug>", endpoint="one"))
        elif self.later == "subdomain":
            app.url_map.default_subdomain = "later"


def _defaults_function(key: str, value: object) -> Callable[[str, dict[str, Any]], None]:
    def add(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault(key, value)
        values.pop("q", None)

    return add


def _error_handler(endpoint: str | None) -> Callable[[Exception, str, dict[str, Any]], str | None]:
    def answer(error: Exception, asked: str, values: dict[str, Any]) -> str | None:
        if endpoint == "three":
            raise BuildError(asked, {"from": "handler"}, None)
        return f"handled:{asked}:{sorted(values.items(), key=str)}" if asked == endpoint else None

    return answer


def answer_to(ask: Callable[..., str], endpoint: str, values: dict[str, Any]) -> Answer:
    """Return the URL, or what is raised; for an error that the build is about, with all it says."""
    try:
        return (ask(endpoint, **values),)
    except BuildError as error:
        return "BuildError", str(error), repr((error.endpoint, error.values, error.method))
    except ValueError as error:
        return type(error).__name__, str(error)
    except Exception as error:
        return (type(error).__name__,)


class Asked:
    """What one app answers, before and after a change; by its method, and by the function that finds the app."""

    def __init__(self, example: Example, seed: int, app: Any, function: Callable[..., str]) -> None:
        """Make the questions, the same for the same seed."""
        self.answers: list[tuple[str, dict[str, Any], Answer]] = []
        self.touched: str | None = None
        self.example, self.seed, self.app, self.function = example, seed, app, function

    def __call__(self, **_view_args: object) -> str:
        """Ask: in whatever context is active now."""
        touch(self.touched)
        self.example.random.seed(self.seed)
        for count in range(QUESTIONS):
            endpoint, values = self.example.question()
            ask = self.function if count % 2 else self.app.url_for
            self.answers.append((endpoint, values, answer_to(ask, endpoint, values)))
            if count == QUESTIONS // 2:
                self.example.change(self.app)
        return ""


def both(seed: int) -> tuple[Asked, Asked]:
    """Return the same questions for an app of Flask's and one of ours."""
    example = Example(seed)
    theirs = Asked(example, seed, example.make_app(flask.Flask, flask.Blueprint), flask.url_for)
    ours = Asked(example, seed, example.make_app(App, Blueprint), kolben.app.urls.url_for)
    return theirs, ours


def assert_same(theirs: Asked, ours: Asked) -> None:
    """Compare answer by answer."""
    assert len(theirs.answers) == len(ours.answers)
    for (endpoint, values, expected), (_, _, found) in zip(theirs.answers, ours.answers, strict=True):
        assert found == expected, (endpoint, values, theirs.example.__dict__)


def touch(what: str | None) -> None:
    """Do what makes a request from our server forget that nobody asked for it."""
    if what == "environ":
        request.environ  # noqa: B018 - asking for it is the point
    elif what == "adapter":
        request_ctx.url_adapter  # noqa: B018 - the same
    elif what == "root":
        request.root_path = "/set"


def serve_natively(app: App, path: str, method: str, base_url: str) -> None:
    """Answer one request as the server does."""
    scheme, host = base_url.split("://")
    length = "Content-Length: 0\r\n" if method == "POST" else ""
    message = Request.from_bytes(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{length}\r\n".encode(), scheme=scheme)
    copy_context().run(app.handler.match(message).run, message)


# Where subdomains are matched, a host of another domain is worth a warning to Werkzeug.
pytestmark = pytest.mark.filterwarnings("ignore:Current server name:UserWarning")
thorough = settings(max_examples=EXAMPLES, deadline=None)


@given(st.integers(0, 2**62))
@thorough
def test_in_a_request_context_url_for_answers_as_flasks(seed: int) -> None:
    """The same URL or the same error, under any script root, host and scheme."""
    theirs, ours = both(seed)
    for asked in (theirs, ours):
        with asked.app.test_request_context(**asked.example.where):
            asked()
    assert_same(theirs, ours)


@given(st.integers(0, 2**62))
@thorough
def test_outside_of_requests_url_for_answers_as_flasks(seed: int) -> None:
    """The same URL or the same error, by SERVER_NAME or for want of it, in an app's context and in none."""
    theirs, ours = both(seed)
    for asked in (theirs, ours):
        if seed % 4:
            with asked.app.app_context():
                asked()
        else:
            asked()
    assert_same(theirs, ours)


@given(st.integers(0, 2**62), st.sampled_from([None, None, "environ", "adapter", "root"]))
@thorough
def test_a_request_from_our_server_gets_the_urls_of_flasks(seed: int, touched: str | None) -> None:
    """The same URLs although it has no environ and no adapter until somebody asks for them."""
    theirs, ours = both(seed)
    where = theirs.example.where | {"base_url": theirs.example.where["base_url"].split("/", 3)[0] + "//" + theirs.example.pick(*HOSTS)}
    for asked in (theirs, ours):
        asked.app.view_functions["ask"] = asked.app.view_functions["bp.ask"] = asked
    theirs.app.test_client().open(**where)
    # An adapter that is made in mid-request knows the subdomain of then; Flask's, that of the request's start.
    ours.touched = "adapter" if ours.example.later == "subdomain" else touched
    serve_natively(ours.app, **where)
    assert_same(theirs, ours)

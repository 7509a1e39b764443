"""What is sent for a response is what Werkzeug's Response gives a WSGI server, framed by RFC 9112, section 6.

KOLBEN_EXAMPLES says how many responses are tried.  What differs on purpose is listed in kolben/http/_outgoing.pyx.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.base.errors import LocalProtocolError
from kolben.http import Request, Response
from kolben.http._outgoing import serialize
from kolben.http._response import is_lazy, new_response

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "120"))
thorough = settings(max_examples=EXAMPLES, deadline=None)

OURS = {"date", "server", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "trailer"}


class Shouting:
    """A mixin that overrides how the body is made."""

    def iter_encoded(self) -> Any:
        """Make it loud."""
        return (piece.upper() for piece in super().iter_encoded())


class Counted:
    """A mixin that overrides the fields and the iterable."""

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Any:
        """Add one."""
        headers = super().get_wsgi_headers(environ)
        headers["X-Path"] = environ["PATH_INFO"]
        return headers

    def get_app_iter(self, environ: dict[str, Any]) -> Any:
        """Repeat each piece."""
        for piece in super().get_app_iter(environ):
            yield piece
            yield piece


class Called:
    """A mixin that overrides the call itself."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Add a field on the way."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ("X-Called", environ["REQUEST_METHOD"])], exc_info)

        return super().__call__(environ, start)


class Absolute:
    """A mixin that makes Location absolute."""

    autocorrect_location_header = True


class Own:
    """A mixin with a constructor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers["X-Own"] = "1"


class Bare:
    """A mixin that leaves the length to the server."""

    automatically_set_content_length = False
    default_mimetype = None


MIXINS: list[tuple[type, ...]] = [
    (),
    (),
    (),
    (),
    (Shouting,),
    (Counted,),
    (Called,),
    (Absolute,),
    (Own,),
    (Bare,),
    (Own, Counted, Shouting),
]
CLASSES = [(type("Ours", (*mixins, Response), {}), type("Theirs", (*mixins, WerkzeugResponse), {})) for mixins in MIXINS]

STATUSES: list[Any] = [
    200,
    201,
    204,
    205,
    206,
    301,
    302,
    304,
    400,
    404,
    418,
    500,
    299,
    599,
    999,
    "200 Fine",
    "200 OK",
    "404 Not Found",
    "404",
    "451 é",
    "204 Nothing",
]
FIELDS = [
    ("X-A", "1"), ("X-A", "2"), ("x-b", ""), ("X-B", "caf\xe9\t\xff"), ("Location", "/é?q=ü#ß"),
    ("Location", "http://é.example/ x"), ("location", "../a"),
    ("Content-Location", "/ö"), ("Content-Type", "text/html"), ("Content-Length", "3"), ("Content-Encoding", "gzip"),
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Server", "mine"), ("Connection", "close"), ("Connection", "Keep-Alive"), ("Connection", "x, close"), ("Upgrade", "h2c"),
    ("Connection", "upgrade"),
    ("Transfer-Encoding", "chunked"), ("ETag", '"a"'), ("Set-Cookie", "a=b"), ("Trailer", "X"), ("Keep-Alive", "timeout=5"),
]  # fmt: skip
BODIES: list[Any] = [
    None, "", "text", "é€", b"", b"bytes", bytearray(b"array"), [], ["a", "é"], [b"a", b"", b"bc"], (b"t",), ("x", "y"),
    lambda: iter([b"a", b"b"]), lambda: (c for c in "xyz"), lambda: iter(()), {"k": 1}.keys,
]  # fmt: skip


def made(number: int) -> tuple[Any, Any, bytes, bool]:
    """Make the same response twice, the head that it answers, and whether the connection may be kept."""
    draw = random.Random(number)
    ours, theirs = draw.choice(CLASSES)
    body, status = draw.choice(BODIES), draw.choice(STATUSES)
    fields = draw.sample(FIELDS, draw.choice([0, 0, 1, 2, 4]))
    options: dict[str, Any] = draw.choice([{}, {}, {"mimetype": "text/css"}, {"content_type": "application/json"}, {"mimetype": "x/y"}])
    if body is not None and (callable(body) or (isinstance(body, list | tuple) and all(isinstance(piece, bytes) for piece in body))):
        options = {
            **options,
            "direct_passthrough": draw.random() < 0.3 and not (callable(body) and any(isinstance(piece, str) for piece in body())),
        }
    cookies = draw.random() < 0.2
    pair = []
    for cls in (ours, theirs):
        response = cls(body() if callable(body) else body, status, fields, **options)
        if cookies:
            response.set_cookie("k", "v é", max_age=3, expires=1_700_000_000, httponly=True)
            response.delete_cookie("o")
        pair.append(response)
    method = draw.choice(["GET", "GET", "POST", "HEAD"])
    version, connection = draw.choice([("1.1", ""), ("1.1", "Connection: close\r\n"), ("1.0", ""), ("1.0", "Connection: keep-alive\r\n")])
    head = f"{method} /p%C3%A9?q=1 HTTP/{version}\r\nHost: example.com\r\n{connection}\r\n".encode()
    return (*pair, head, connection == "" if version == "1.1" else connection != "")


def read(head: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """Take a head apart."""
    assert head.endswith(b"\r\n\r\n")
    line, *fields = head[:-4].split(b"\r\n")
    return line, [(name.decode("latin-1"), value.decode("latin-1")) for name, _, value in (field.partition(b": ") for field in fields)]


def values(fields: list[tuple[str, str]], name: str) -> list[str]:
    """Return the values of one name."""
    return [value for key, value in fields if key.lower() == name]


def by_wsgi(response: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Do what a WSGI server does."""
    started: list[Any] = []
    iterable = response(environ, lambda status, headers, exc_info=None: started.extend([status, headers]))
    body = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in iterable)
    iterable.close() if hasattr(iterable, "close") else None
    return started[0], started[1], body


@given(st.integers(0, 2**32).map(made))
@thorough
def test_what_is_sent_is_what_a_wsgi_server_would_be_given(case):
    ours, theirs, raw, may_keep = case
    request = Request.from_bytes(raw)
    status, theirs_fields, theirs_body = by_wsgi(theirs, dict(request.environ))
    again = Request.from_bytes(raw)
    head, body = serialize(ours, again, keep_alive=may_keep)
    assert isinstance(body, bytes) or is_lazy(ours) or not isinstance(ours.response, list | tuple)
    sent = body if isinstance(body, bytes) else b"".join(piece.encode() if isinstance(piece, str) else piece for piece in body)
    line, fields = read(head)
    code, phrase = int(status[:3]), status[4:]

    version, number, reason = line.split(b" ", 2)
    assert (version, int(number)) == (b"HTTP/1.1", code)
    if phrase not in {HTTP_STATUS_CODES.get(code, "").upper(), "UNKNOWN"}:
        assert reason.decode("latin-1") == phrase
    assert sent == theirs_body
    assert not any(values(fields, name) for name in ("keep-alive", "proxy-connection", "trailer"))
    mine = [field for field in fields if field[0].lower() not in OURS]
    assert mine == [field for field in theirs_fields if field[0].lower() not in OURS]
    assert values(fields, "date") == values(theirs_fields, "date") or len(values(fields, "date")) == 1
    assert values(fields, "server") == (values(theirs_fields, "server") or ["kolben"])
    check_framing(again, code, fields, sent, theirs_fields)
    kept = check_connection(fields, theirs_fields, raw, may_keep)
    if b"HTTP/1.0" in raw and kept and not values(fields, "content-length"):
        assert raw.startswith(b"HEAD") or code in {204, 304}  # what has no length ends with the connection


def check_framing(request: Any, code: int, fields: list[tuple[str, str]], sent: bytes, theirs: list[tuple[str, str]]) -> None:
    """Check RFC 9112, section 6: what says where the body ends."""
    lengths, codings = values(fields, "content-length"), values(fields, "transfer-encoding")
    assert len(lengths) + len(codings) <= 1
    if code in {204, 304}:
        assert not lengths
        assert not codings
        assert sent == b""
    elif request.method == "HEAD":
        assert sent == b""
        if lengths and values(theirs, "content-length"):
            assert set(lengths) <= {*values(theirs, "content-length"), "0", lengths[0]}
    elif lengths and not values(theirs, "content-length"):
        assert int(lengths[0]) == len(sent)
    if codings:
        assert codings == ["chunked"]
        assert request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    if not lengths and not codings and code not in {204, 304}:
        assert request.environ["SERVER_PROTOCOL"] == "HTTP/1.0"


def check_connection(fields: list[tuple[str, str]], theirs: list[tuple[str, str]], raw: bytes, may_keep: bool) -> bool:
    """Check that Connection says one thing only; return whether the connection is kept."""
    options = [option.strip().lower() for value in values(fields, "connection") for option in value.split(",")]
    asked = [option.strip().lower() for value in values(theirs, "connection") for option in value.split(",")]
    assert sum(option in {"close", "keep-alive"} for option in options) <= 1
    if "close" in asked or not may_keep:
        assert "close" in options
    assert [option for option in options if option not in {"close", "keep-alive"}] == [
        option for option in asked if option not in {"close", "keep-alive"}
    ]
    if "close" not in options and b"HTTP/1.0" in raw:
        assert "keep-alive" in options
    return "close" not in options


# ---------------------------------------------------------------- what must not go out

CONTROLS = [chr(code) for code in (*range(9), *range(10, 32), 127)]


@pytest.mark.parametrize("control", CONTROLS)
def test_no_control_character_is_ever_sent(control):
    """In no name, no value and no reason phrase (RFC 9110, section 5.5; RFC 9112, section 4)."""
    for place in range(3):
        response = Response("x")
        if place == 0:
            response.headers._list.append((f"X{control}Y", "1"))
        elif place == 1:
            response.headers._list.append(("X", f"1{control}2"))
        else:
            response._status = f"200 O{control}K"
        with pytest.raises(LocalProtocolError):
            serialize(response)


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
@thorough
def test_a_head_that_is_sent_has_the_fields_it_was_given_and_no_other(name, value, phrase):
    response = Response("x")
    response.headers._list.append((name, value))
    response._status = f"200 {phrase}"
    try:
        head, _ = serialize(response)
    except (LocalProtocolError, UnicodeEncodeError):
        return
    _, fields = read(head)
    assert head.count(b"\r\n") == 2 + len(fields)
    assert head.count(b"\n") == head.count(b"\r\n")
    assert {key.lower() for key, _ in fields} <= {name.lower(), "content-type", "content-length", "date", "server", "connection"}


# ---------------------------------------------------------------- new_response


def state(response: Any) -> dict[str, Any]:
    """Everything that a response keeps."""
    own = {**vars(response), "headers": list(response.headers), "_on_close": len(response._on_close)}
    return {**own, "vars of headers": {**vars(response.headers)}}


CONDITIONAL = {"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": "*", "HTTP_RANGE": "bytes=0-1"}
CHANGES = [
    lambda r: r.set_cookie("a", "b"),
    lambda r: r.delete_cookie("a"),
    lambda r: r.headers.add("X", "1"),
    lambda r: r.headers.remove("Content-Type"),
    lambda r: setattr(r, "data", "changed"),
    lambda r: setattr(r, "status", "404 Gone Fishing"),
    lambda r: setattr(r, "status_code", 201),
    lambda r: setattr(r, "mimetype", "text/css"),
    lambda r: setattr(r, "response", iter(["a"])),
    lambda r: r.make_conditional(CONDITIONAL, accept_ranges=True, complete_length=4),
    lambda r: r.add_etag(),
    lambda r: r.freeze(),
    lambda r: r.call_on_close(len),
    lambda r: r.get_data(as_text=True),
    lambda r: r.make_sequence(),
    lambda r: r.vary.add("Cookie"),
    lambda r: setattr(r.cache_control, "max_age", 3),
]


@given(st.sampled_from(CLASSES), st.sampled_from(["", "text", "é", b"", b"bytes"]), st.sampled_from([200, 201, 204, 304, 404, 299, 999]),
       st.lists(st.sampled_from(CHANGES), max_size=4))  # fmt: skip
@thorough
def test_a_response_made_without_the_constructor_is_the_constructors(classes, body, status, changes):
    cls = classes[0]
    quick, slow = new_response(cls, body, status, "text/x; charset=utf-8"), cls(body, status, content_type="text/x; charset=utf-8")
    assert type(quick) is type(slow)
    assert state(quick) == state(slow)
    for change in changes:
        results = []
        for response in (quick, slow):
            try:
                results.append(repr(change(response)))
            except Exception as error:
                results.append(repr(error))
        assert results[0].partition(" at 0x")[0] == results[1].partition(" at 0x")[0]
        if not hasattr(quick.response, "__next__"):
            assert state(quick) == state(slow)
    assert quick.get_data() == slow.get_data()
    assert repr(quick) == repr(slow)

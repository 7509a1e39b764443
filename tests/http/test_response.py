"""A response on its way out: its head, its framing, and what subclasses have to say."""

from __future__ import annotations

import ctypes
import re
import time
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.test import create_environ
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben.base.errors import LocalProtocolError
from kolben.http import Request, Response
from kolben.http._outgoing import serialize
from kolben.http._response import is_lazy, new_response, plain_response, whole_response

GET = Request.from_bytes(b"GET /p HTTP/1.1\r\nHost: example.com\r\n\r\n")
HEAD = Request.from_bytes(b"HEAD /p HTTP/1.1\r\nHost: example.com\r\n\r\n")
OLD = Request.from_bytes(b"GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")


def fields_of(response: Any, request: Any = GET, **options: Any) -> dict[str, str]:
    """Return the fields that are sent, by name in lower case."""
    head, _ = serialize(response, request, **options)
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    pairs = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return {name.lower(): value for name, value in pairs}


def line_of(response: Any) -> bytes:
    """Return the status line."""
    return serialize(response)[0].partition(b"\r\n")[0]


# ---------------------------------------------------------------- heads


def test_a_head_is_complete():
    head, body = serialize(Response("hé", mimetype="text/html"), GET)
    pattern = rb"""HTTP/1\.1 200 OK\r
Content-Type: text/html; charset=utf-8\r
Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r
Server: kolben\r
Content-Length: 3\r
\r
"""
    assert re.fullmatch(pattern, head)
    assert body == "hé".encode()


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK"), ("200 OK", b"HTTP/1.1 200 OK"), (404, b"HTTP/1.1 404 Not Found"),
        ("404 NOT FOUND", b"HTTP/1.1 404 Not Found"),
        ("200 Fine", b"HTTP/1.1 200 Fine"), ("404", b"HTTP/1.1 404 Not Found"), ("451 caf\xe9", b"HTTP/1.1 451 caf\xe9"),
        (299, b"HTTP/1.1 299 "),
        (999, b"HTTP/1.1 999 "),
    ],
)  # fmt: skip
def test_a_phrase_is_the_registered_one_or_the_applications(status, line):
    assert line_of(Response(status=status)) == line


@pytest.mark.parametrize("status", [100, 101, 103, 199, 0, 42, 1000, "Fine", "100 Continue", -1])
def test_a_status_that_is_no_answers_is_refused(status):
    """1xx are not answers (RFC 9110, section 15.2)."""
    with pytest.raises(LocalProtocolError, match="from 200 to 999"):
        serialize(Response(status=status))


def test_date_is_the_present_second():
    clock = ctypes.CDLL(None).time  # the very one that is asked: others were seen to be ahead of it at the turn of a second
    clock.restype, clock.argtypes = ctypes.c_long, [ctypes.c_void_p]
    before = clock(None)
    stamp = fields_of(Response())["date"]
    after = clock(None)
    assert stamp in {time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)) for second in range(before, after + 1)}


def test_the_applications_date_and_server_stay():
    fields = fields_of(Response(headers={"date": "then", "SERVER": "mine"}))
    assert (fields["date"], fields["server"]) == ("then", "mine")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None), ("close", "close"), ("Close", "close"), ("keep-alive", None), ("disclosed", "disclosed"),
        ("keep-alive, upgrade", "upgrade"), ("", None),
    ],
)  # fmt: skip
def test_connection_says_one_thing(value, sent):
    assert fields_of(Response(headers={} if value is None else {"Connection": value})).get("connection") == sent


def test_an_old_client_is_told_that_the_connection_stays():
    assert fields_of(Response("x"), OLD)["connection"] == "keep-alive"
    assert fields_of(Response("x"), OLD, keep_alive=False)["connection"] == "close"
    assert fields_of(Response("x", headers={"Connection": "keep-alive"}), OLD)["connection"] == "keep-alive"


def test_upgrade_may_be_offered_beside_a_close():
    head, _ = serialize(Response(status=426, headers={"Upgrade": "h2c", "Connection": "upgrade"}), GET, keep_alive=False)
    assert head.count(b"Connection: upgrade\r\n") == head.count(b"Connection: close\r\n") == 1


def test_fields_may_be_any_mapping():
    class Sorted(Headers):
        def __iter__(self):
            return iter(sorted(self._list))

    response = Response("x")
    response.headers = {"X-A": "1"}
    assert fields_of(response)["x-a"] == "1"
    response.headers = Sorted([("X-B", "2"), ("X-A", "1")])
    assert list(fields_of(response))[:2] == ["x-a", "x-b"]


# ---------------------------------------------------------------- framing, RFC 9112, section 6


def test_a_whole_body_has_its_own_length_whatever_was_said():
    for said in ("1", "99", "-1", "x", "3, 3"):
        response = Response("abc")
        response.headers["Content-Length"] = said
        assert fields_of(response)["content-length"] == "3"
    response = Response(["a", "bc"])
    assert fields_of(response)["content-length"] == "3"


def test_a_lazy_body_is_chunked_unless_its_length_is_known():
    response = Response(iter(["a"]))
    assert fields_of(response)["transfer-encoding"] == "chunked"
    assert is_lazy(response)
    response = Response(iter(["abc"]), headers={"Content-Length": "3", "Transfer-Encoding": "gzip"})
    fields = fields_of(response)
    assert (fields["content-length"], fields.get("transfer-encoding")) == ("3", None)


def test_what_has_no_length_ends_an_old_clients_connection():
    fields = fields_of(Response(iter(["a"])), OLD)
    assert fields["connection"] == "close"
    assert not {"content-length", "transfer-encoding"} & set(fields)


@pytest.mark.parametrize("said", ["-1", "x", "1.0", "٣", "1" * 19, "1, 1", ""])
def test_a_length_that_is_none_is_refused(said):
    with pytest.raises(LocalProtocolError, match="Content-Length"):
        serialize(Response(iter(["a"]), headers={"Content-Length": said}))


def test_two_lengths_are_refused():
    assert fields_of(Response(iter(["a"]), headers=[("Content-Length", "1"), ("content-length", "01")]))["content-length"] == "1"
    with pytest.raises(LocalProtocolError, match="expected one, got 1 and 2"):
        serialize(Response(iter(["a"]), headers=[("Content-Length", "1"), ("content-length", "2")]))


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", ["abc", iter(["abc"]), None])
def test_no_content_has_no_length_and_no_body(status, body):
    """RFC 9110, section 8.6; RFC 9112, section 6.3."""
    response = Response(body, status, headers={"Content-Length": "x", "Transfer-Encoding": "chunked"})
    head, sent = serialize(response, GET)
    assert sent == b""
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()


def test_head_is_told_what_get_would_be():
    assert fields_of(Response("abc"), HEAD)["content-length"] == "3"
    assert fields_of(Response(headers={"Content-Length": "1234"}), HEAD)["content-length"] == "1234"
    assert fields_of(Response(iter(["a"]), headers={"Content-Length": "12"}), HEAD)["content-length"] == "12"
    assert fields_of(Response(iter(["a"])), HEAD)["transfer-encoding"] == "chunked"
    stale = Response("abc")
    stale.response = [b"longer"]
    assert fields_of(stale, HEAD)["content-length"] == "6"
    assert serialize(Response("abc"), HEAD)[1] == b""


def test_head_does_not_start_a_generator():
    def body():
        raise AssertionError("started")
        yield ""

    assert serialize(Response(body()), HEAD)[1] == b""


# ---------------------------------------------------------------- refusals


def test_a_refused_response_leaves_nothing_and_the_next_one_is_whole():
    bad = Response("x")
    bad.headers._list.append(("X", "a\r\nSet-Cookie: b=c"))
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            serialize(bad, GET)
    assert serialize(Response("x"), GET)[0].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("value", ["€", "a\nb", "a\rb", "a\0b", "a\x7fb"])
def test_a_value_that_cannot_be_sent_is_refused(value):
    for name in ("X", "Date", "Server", "Connection", "Set-Cookie"):
        response = Response("x")
        response.headers._list.append((name, value))
        with pytest.raises(LocalProtocolError):
            serialize(response)


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nY", "é", "Content-Length ", "\tX"])
def test_a_name_that_is_no_token_is_refused(name):
    response = Response("x")
    response.headers._list.append((name, "1"))
    with pytest.raises(LocalProtocolError, match="field name"):
        serialize(response)


def test_a_request_of_an_environ_has_nothing_to_answer_to():
    with pytest.raises(TypeError, match="made from bytes"):
        serialize(Response(), Request.from_values("/"))


# ---------------------------------------------------------------- subclasses


def test_a_replaced_call_is_called():
    class Own(Response):
        def __call__(self, environ, start_response):
            write = start_response("203 Mine", [("X-Path", environ["PATH_INFO"]), ("Content-Length", "4")])
            write(b"ab")
            return [b"cd"]

    response = Own("never")
    assert is_lazy(response)
    head, body = serialize(response, GET)
    assert head.startswith(b"HTTP/1.1 203 Mine\r\nX-Path: /p\r\n")
    assert b"Content-Length: 4\r\n" in head
    assert b"".join(body) == b"abcd"


def test_a_replaced_call_may_start_late_and_is_closed_once():
    closed = []

    class Late(Response):
        def __call__(self, environ, start_response):
            try:
                start_response("200 OK", [("X", "1")])
                yield b"a"
                yield b"b"
            finally:
                closed.append(self)

    class Same(Response):
        def __call__(self, environ, start_response):
            return super().__call__(environ, start_response)

    response = Late()
    response.call_on_close(lambda: closed.append("never"))
    head, body = serialize(response, GET)
    assert b"X: 1\r\n" in head
    assert next(iter(body)) == b"a"
    response.close()
    assert closed == [response]

    same = Same("x")
    same.call_on_close(lambda: closed.append("same"))
    assert b"".join(serialize(same, GET)[1]) == b"x"
    same.close()
    assert closed == [response, "same"]


def test_a_replaced_call_that_does_not_start_is_refused():
    class Mute(Response):
        def __call__(self, environ, start_response):
            return [b"x"]

    class Wrong(Response):
        def __call__(self, environ, start_response):
            start_response("OK", [])
            return []

    with pytest.raises(LocalProtocolError, match="Mute: expected it to call start_response"):
        serialize(Mute(), GET)
    with pytest.raises(LocalProtocolError, match="three digits and a phrase"):
        serialize(Wrong(), GET)


def test_overrides_work_without_a_request():
    class Own(Response):
        autocorrect_location_header = True

        def get_app_iter(self, environ):
            return [environ["REQUEST_METHOD"].encode()]

    head, body = serialize(Own(headers={"Location": "/a"}))
    assert b"Location: http://localhost/a\r\n" in head
    assert b"".join(body) == b"GET"


def test_a_foreign_response_is_sent_as_well():
    head, body = serialize(WerkzeugResponse("x", 201), GET)
    assert (head[:20], body) == (b"HTTP/1.1 201 Created", b"x")


def test_fields_are_asked_for_before_the_body():
    """As in Werkzeug's get_wsgi_response."""
    order = []

    class Own(Response):
        def get_wsgi_headers(self, environ):
            order.append("headers")
            return super().get_wsgi_headers(environ)

        def get_app_iter(self, environ):
            order.append("body")
            return super().get_app_iter(environ)

    serialize(Own("x"), GET)
    assert order == ["headers", "body"]


# ---------------------------------------------------------------- the quick ones


def test_a_plain_response_is_sent_like_its_elder_sister():
    for status in (200, 201, 204, 304, 404):
        for body in ("é", b"bytes", ""):
            plain = plain_response(status, b"text/html; charset=utf-8", body)
            for request in (GET, HEAD, OLD, None):
                head, sent = serialize(plain, request)
                other, expected = serialize(Response(body, status, mimetype="text/html"), request)
                lines = [line for line in other.split(b"\r\n") if status != 304 or not line.startswith(b"Content-Type")]
                assert sorted(line for line in head.split(b"\r\n") if status != 304 or not line.startswith(b"Content-Type")) == sorted(
                    lines
                )
                assert sent == expected
    assert (plain.status_code, plain.status, plain.content_type, plain.body) == (404, 404, b"text/html; charset=utf-8", "")
    assert not is_lazy(plain)


def test_a_lone_surrogate_is_refused_before_anything_is_written():
    with pytest.raises(UnicodeEncodeError):
        serialize(plain_response(200, b"text/plain", "\ud800"), GET)
    with pytest.raises(UnicodeEncodeError):
        new_response(Response, "\ud800", 200, "text/plain")


def test_a_class_with_its_own_ways_is_made_by_its_constructor():
    class Own(Response):
        def set_data(self, value):
            super().set_data(b"<" + value.encode() + b">")

    class Bare(Response):
        automatically_set_content_length = False

    assert new_response(Own, "x", 200, "text/plain").get_data() == b"<x>"
    assert "Content-Length" not in new_response(Bare, "x", 200, "text/plain").headers


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=-2", 206, b"lo"),
        ("bytes=-5", 206, b"hello"),
        ("bytes=-6", 206, b"hello"),
        ("bytes=-99999999999999999999999999", 206, b"hello"),
        ("bytes=-" + "9" * 5000, 206, b"hello"),
        ("bytes=-0", 416, None),
        ("bytes=9-", 416, None),
        ("bytes=1-2", 206, b"el"),
        ("lines=-9", 416, None),
    ],
)
def test_a_suffix_longer_than_the_representation_means_all_of_it(asked, status, body):
    """RFC 9110, section 14.1.2."""
    environ = create_environ(headers={"Range": asked})
    response = Response(b"hello")
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=5)
    except RequestedRangeNotSatisfiable:
        assert status == 416
    else:
        assert response.status_code == status
        assert b"".join(response.get_app_iter(environ)) == body


# ---------------------------------------------------------------- what somebody else's application said


def said(line: str = "200 OK", fields: Any = (), body: bytes = b"hello", closer: Any = None) -> Any:
    return whole_response(line, list(fields), body, closer)


def test_what_an_application_says_is_sent_as_it_says_it():
    response = said("299 Quite Fine", [("X-A", "1"), ("Location", "/ä"), ("X-a", "2")])
    head, body = serialize(response, GET)
    assert head.startswith(b"HTTP/1.1 299 Quite Fine\r\nX-A: 1\r\nLocation: /\xe4\r\nX-a: 2\r\n")
    assert (body, is_lazy(response), response.status_code) == (b"hello", False, 299)


@pytest.mark.parametrize("field", ["Content-Length", "content-length", "CONTENT-LENGTH"])
@pytest.mark.parametrize(
    ("request_", "line", "body", "length"),
    [(GET, "200 OK", b"hello", "5"), (HEAD, "200 OK", b"hello", "5"), (HEAD, "200 OK", b"", "3"), (GET, "204 No Content", b"", None),
     (GET, "304 Not Modified", b"x", None)],
)  # fmt: skip
def test_the_length_is_the_bodys_and_heads_may_be_told(field, request_, line, body, length):
    """RFC 9110, sections 8.6 and 9.3.2."""
    fields = fields_of(said(line, [(field, "3")], body), request_)
    assert fields.get("content-length") == length
    assert serialize(said(line, [], body), request_)[1] == (body if request_ is GET and length else b"")


@pytest.mark.parametrize("name", ["Transfer-Encoding", "Keep-Alive", "Proxy-Connection", "trailer"])
def test_what_is_about_the_connection_is_not_the_applications_to_say(name):
    """PEP 3333 forbids it; RFC 9110, section 7.6.1."""
    assert name.lower() not in fields_of(said(fields=[(name, "x")]))
    assert name.lower() not in fields_of(Response("x", headers={name: "x"}))


@pytest.mark.parametrize(
    "fields", [[("A\r", "b")], [("A", "b\r\nC: d")], [("", "b")], [("Content\rLength", "1")], [("A", "\u20ac")], [("\u20ac", "b")]]
)
def test_a_field_that_must_not_go_on_the_wire_is_refused_however_it_came(fields):
    with pytest.raises(LocalProtocolError):
        serialize(said(fields=fields), GET)


@pytest.mark.parametrize("line", ["", "nonsense", "20 OK", "200OK", "100 Continue", "000 Zero", "200 O\nK"])
def test_a_status_line_that_is_none_is_refused(line):
    with pytest.raises(LocalProtocolError):
        serialize(said(line), GET)


def test_it_is_closed_once():
    closed: list[bool] = []
    response = said(closer=lambda: closed.append(True))
    response.close()
    response.close()
    assert closed == [True]

"""Somebody else's WSGI application behind our server: PEP 3333, looked at through a socket."""

import sys
from wsgiref.validate import validator

import pytest
from tests.server.conftest import serve  # noqa: F401 - a fixture
from werkzeug.wsgi import ClosingIterator

from kolben.http import Mode, Request
from kolben.interop._hosting import WSGIHandler

TEXT = ("Content-Type", "text/plain")


@pytest.fixture
def host(serve):  # noqa: F811 - the fixture
    """host(application) gives a peer that is connected to it."""
    return lambda application: serve(WSGIHandler(application)).connect()


def get(peer, path="/", method="GET"):
    peer.get(path, method=method)
    return peer.answer()


def test_a_list_is_sent_with_its_length(host):
    def application(environ, start_response):
        start_response("200 OK", [TEXT, ("X-A", "1"), ("X-A", "2")])
        return [b"a", b"b"]

    answer = get(host(application))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"ab", "2")


def test_a_status_that_nobody_registered_keeps_its_phrase(host):
    def application(environ, start_response):
        start_response("299 Quite Fine", [TEXT])
        return [b""]

    peer = host(application)
    peer.get("/")
    assert peer.until(b"\r\n") == b"HTTP/1.1 299 Quite Fine"


def test_a_generator_is_streamed_and_closed(host):
    closed = []

    class Pieces:
        def __iter__(self):
            yield b"a"
            yield b""
            yield b"b"

        def close(self):
            closed.append(True)

    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        return Pieces()

    peer = host(application)
    answer = get(peer)
    assert (answer.body, answer.headers["transfer-encoding"]) == (b"ab", "chunked")
    assert get(peer).body == b"ab"
    assert len(closed) >= 1


def test_a_generator_function_may_call_start_response_at_its_first_piece(host):
    def application(environ, start_response):
        start_response("201 Created", [TEXT])
        yield b"a"
        yield b"b"

    answer = get(host(application))
    assert (answer.status, answer.body) == (201, b"ab")


def test_what_is_written_stands_before_what_is_returned(host):
    def application(environ, start_response):
        write = start_response("200 OK", [TEXT])
        write(b"a")
        write(b"b")
        return [b"c"]

    assert get(host(application)).body == b"abc"


def test_what_is_written_between_pieces_keeps_its_place(host):
    def application(environ, start_response):
        write = start_response("200 OK", [TEXT])
        write(b"1")
        yield b"2"
        write(b"3")
        yield b"4"
        write(b"5")

    assert get(host(application)).body == b"12345"


def test_a_second_start_response_with_exc_info_replaces_the_first(host):
    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            start_response("500 Oops", [TEXT], sys.exc_info())
        return [b"error"]

    assert get(host(application)).status == 500


def test_an_error_after_the_head_is_sent_is_raised_where_it_is_told():
    """PEP 3333: "if exc_info is provided, and the HTTP headers have already been output, start_response must raise an error"."""
    told = []

    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        yield b"a"
        try:
            int("late")
        except ValueError:
            start_response("500 Oops", [TEXT], sys.exc_info())
        told.append("never")

    request = Request.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    response = WSGIHandler(application).match(request).run(request)
    with pytest.raises(ValueError, match="late"):
        list(response.response)
    assert (response.status_code, told) == (200, [])


@pytest.mark.parametrize(
    "application",
    [
        lambda environ, start_response: [b"never started"],
        lambda environ, start_response: (start_response("200 OK", []), start_response("200 OK", []), [b""])[2],
        lambda environ, start_response: 1 / 0,
        lambda environ, start_response: None,
        lambda environ, start_response: (start_response("200 OK", [("A", "b\r\nC: d")]), [b""])[1],
        lambda environ, start_response: (start_response("nonsense", [TEXT]), [b""])[1],
    ],
)
def test_an_application_that_breaks_its_contract_is_answered_with_500(host, application):
    peer = host(application)
    assert get(peer).status == 500
    assert get(peer).status == 500


def test_the_iterable_is_closed_when_its_first_piece_fails(host):
    closed = []

    class Broken:
        def __iter__(self):
            return self

        def __next__(self):
            raise RuntimeError

        def close(self):
            closed.append(True)

    assert get(host(lambda environ, start_response: Broken())).status == 500
    assert closed == [True]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_environ_and_the_answers_pass_the_reference_validator(host, method):
    seen = {}

    @validator
    def application(environ, start_response):
        seen.update(environ)
        seen["body"] = environ["wsgi.input"].read(3)
        start_response("200 OK", [TEXT, ("Content-Length", "2")])
        return [b"ok"] if environ["REQUEST_METHOD"] != "HEAD" else [b""]

    peer = host(application)
    peer.send(f"{method} /a%20b?c=d HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nabc".encode())
    assert peer.answer(head_only=method == "HEAD").status == 200
    assert (seen["PATH_INFO"], seen["QUERY_STRING"], seen["body"]) == ("/a b", "c=d", b"abc")
    seen.clear()  # it has the request


def test_a_hosted_application_is_measured_like_a_view():
    """It begins in the pool, and earns running inline by being short (D3)."""

    def application(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]

    plan = WSGIHandler(application).match(None)
    assert (plan.mode, plan.pinned) == (Mode.THREAD, False)
    for _ in range(50):
        plan.note_in_thread(100, False)
    assert plan.mode == Mode.INLINE


def test_an_application_that_keeps_its_list_of_fields_finds_it_as_it_was(host):
    fields = [TEXT, ("Content-Length", "2"), ("Connection", "close")]

    def application(environ, start_response):
        start_response("200 OK", fields)
        return [b"ok"]

    answer = get(host(application))
    assert (answer.body, answer.headers["connection"]) == (b"ok", "close")
    assert fields == [TEXT, ("Content-Length", "2"), ("Connection", "close")]


@pytest.mark.parametrize("fields", [(TEXT,), [list(TEXT)], iter([TEXT])])
def test_fields_may_be_any_iterable_of_pairs(host, fields):
    assert get(host(lambda environ, start_response: (start_response("200 OK", fields), [b"ok"])[1])).headers["content-type"] == "text/plain"


@pytest.mark.parametrize("fields", [[("A", b"b")], [(b"A", "b")], [("A",)], ["AB", None], None])
def test_fields_that_are_no_pairs_of_text_are_answered_with_500(host, fields):
    assert get(host(lambda environ, start_response: (start_response("200 OK", fields), [b"ok"])[1])).status == 500


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_short_body_of_known_length_goes_out_whole_and_is_closed(host, method):
    """Most frameworks return an iterable with a close(), and say its length."""
    closed = []

    def application(environ, start_response):
        start_response("200 OK", [TEXT, ("Content-Length", "2")])
        return ClosingIterator([b"a", b"b"], lambda: closed.append(True))

    peer = host(application)
    peer.get("/", method=method)
    answer = peer.answer(head_only=method == "HEAD")
    assert (answer.headers["content-length"], answer.body) == ("2", b"" if method == "HEAD" else b"ab")
    assert get(peer).body == b"ab"
    assert len(closed) >= 1

"""Between requests and WSGI environs: what is made without a constructor is what Werkzeug's constructor makes."""

import io
import pickle
import string
import sys

import pytest
from werkzeug.datastructures import EnvironHeaders
from werkzeug.test import create_environ
from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.http import Request
from kolben.http._environ import make_environ, request_of
from kolben.http.headers import EnvironFields

ASKED = ("method", "path", "query_string", "args", "scheme", "server", "root_path", "remote_addr", "host", "url", "full_path", "cookies")


def environ_of(*args, without=(), **changes):
    environ = create_environ(*args)
    environ.update(changes)
    return {name: value for name, value in environ.items() if name not in without}


@pytest.mark.parametrize(
    "environ",
    [
        environ_of("/"),
        environ_of("/a/b?c=d&c=e&f=", "https://example.com:8443/mount/"),
        environ_of("/é/%2F?ü=ö"),
        environ_of(PATH_INFO="//a//b", REQUEST_METHOD="get", REMOTE_ADDR="192.0.2.1"),
        environ_of(PATH_INFO="", SCRIPT_NAME="/mounted/"),
        environ_of(PATH_INFO="no slash", SCRIPT_NAME="/\xc3\xa9"),
        environ_of(PATH_INFO="/\xff"),
        environ_of(HTTP_COOKIE="a=1; b=2", HTTP_X_A="x", CONTENT_TYPE="text/plain", CONTENT_LENGTH="0"),
        environ_of(SERVER_NAME="/run/socket", SERVER_PORT=""),
        environ_of(QUERY_STRING="a=%E9&b=\xc3\xa9"),
        environ_of(without=("REQUEST_METHOD", "QUERY_STRING", "REMOTE_ADDR", "SCRIPT_NAME", "SERVER_PORT")),
        environ_of(without=("SERVER_NAME",)),
    ],
)
def test_a_request_of_an_environ_is_the_one_that_werkzeug_makes(environ):
    model, request = WerkzeugRequest(environ.copy()), request_of(Request, environ)
    assert [getattr(request, name) for name in ASKED] == [getattr(model, name) for name in ASKED]
    assert list(request.headers) == list(model.headers)
    assert (type(request), request.is_native, request.shallow) == (Request, False, False)
    assert request.environ is environ
    assert environ["werkzeug.request"] is request


def test_a_request_of_an_environ_reads_fields_and_body_there():
    """As with Werkzeug's: middleware and hooks change the environ, and views see it."""
    environ = environ_of("/", "http://localhost/")
    request = request_of(Request, environ)
    assert request.headers.get("X-A") is None
    environ["HTTP_X_A"] = "1"
    assert request.headers["x-a"] == "1"
    request = request_of(Request, create_environ(method="POST", json={"a": 1}))
    assert request.get_json() == {"a": 1}
    assert request_of(Request, create_environ(method="POST", data={"a": "b"})).form["a"] == "b"


@pytest.mark.parametrize(
    "key", ["Host", "host", "X-A", "x_a", "CONTENT-TYPE", "Content-Length", "Proxy", "missing", "", "é", "\u0100", "a" * 100, 7, None]
)
def test_headers_of_an_environ_answer_as_werkzeugs_do(key):
    environ = environ_of(HTTP_X_A="1", HTTP_PROXY="p", CONTENT_TYPE="text/plain", CONTENT_LENGTH="", HTTP_CONTENT_LENGTH="2", HTTP_É="3")
    model, headers = EnvironHeaders(environ), request_of(Request, environ).headers
    assert isinstance(headers, EnvironHeaders)
    assert (headers, list(headers), len(headers)) == (model, list(model), len(model))
    for ask in (
        lambda of: of[key],
        lambda of: of.get(key),
        lambda of: of.get(key, 5, int),
        lambda of: key in of,
        lambda of: of.getlist(key),
    ):
        seen = []
        for of in (model, headers):
            try:
                seen.append(ask(of))
            except (KeyError, TypeError, AttributeError) as error:
                seen.append((type(error), error.args))
        assert seen[0] == seen[1]
    with pytest.raises(TypeError):
        headers["X-A"] = "2"


def test_headers_of_an_environ_are_pickled_as_werkzeugs():
    assert list(pickle.loads(pickle.dumps(EnvironFields({"HTTP_A": "1"})))) == [("A", "1")]


@pytest.mark.parametrize("environ", [None, [], "GET"])
def test_an_environ_is_a_dict(environ):
    """PEP 3333: "a builtin Python dictionary"."""
    with pytest.raises(TypeError, match="environ: expected a dict"):
        request_of(Request, environ)


def test_variables_that_are_no_text_are_refused():
    with pytest.raises(TypeError):
        request_of(Request, environ_of(PATH_INFO=b"/"))


def test_every_field_becomes_the_variable_of_its_name_however_many_there_are():
    """Names of variables are kept by a hash of the name: those that share a place must not share a variable."""
    names = [f"{a}-{b}{c}" for a in string.ascii_letters for b in "AbZ09" for c in ("", "x", "-Y")]
    for _ in range(2):
        for at in range(0, len(names), 50):
            head = "".join(f"{name}: {name}\r\n" for name in names[at : at + 50])
            environ = make_environ(Request.from_bytes(f"GET / HTTP/1.1\r\nHost: a\r\n{head}\r\n".encode()))
            for name in names[at : at + 50]:
                assert name in environ["HTTP_" + name.upper().replace("-", "_")].split(",")


def test_lines_of_one_name_become_one_variable():
    request = Request.from_bytes(
        b"POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 1\r\nX: \r\nCookie: a=1\r\nCookie: a=1\r\n"
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 0\r\nProxy: p\r\nA_B: c\r\n\r\n"
    )
    environ = make_environ(request)
    assert {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))} == {
        "HTTP_HOST": "a", "HTTP_X": "1,1,", "HTTP_COOKIE": "a=1; a=1", "CONTENT_TYPE": "text/html", "CONTENT_LENGTH": "0",
    }  # fmt: skip


def test_an_environ_knows_both_ends():
    head = b"GET /a%20b?c HTTP/1.0\r\n\r\n"
    environ = make_environ(Request.from_bytes(head, remote=("192.0.2.1", 4711), server=("::1", 80), scheme="https"))
    names = ("REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme", "SERVER_PROTOCOL", "PATH_INFO", "REQUEST_URI")
    assert [environ[name] for name in names] == ["192.0.2.1", "4711", "::1", "80", "https", "HTTP/1.0", "/a b", "/a%20b?c"]
    environ = make_environ(Request.from_bytes(head, remote=None, server=("/run/socket", None)))
    assert ("REMOTE_PORT" in environ, environ["REMOTE_ADDR"], environ["SERVER_NAME"], environ["SERVER_PORT"]) == (
        False, "", "/run/socket", "",
    )  # fmt: skip


def native(head=b"GET /p?q=1 HTTP/1.1\r\nHost: example.com\r\n\r\n", **connection):
    return Request.from_bytes(head, **connection)


def test_each_environ_says_what_its_own_connection_and_its_own_time_say(monkeypatch):
    """What a listener's requests share is prepared once, and prepared anew for another listener and another stderr."""
    errors = io.StringIO()
    first = make_environ(native(server=("192.0.2.1", 80), remote=("198.51.100.7", 5000)))
    monkeypatch.setattr(sys, "stderr", errors)
    second = make_environ(native(server=("/run/socket", None), remote=None, scheme="https"))
    assert (first["SERVER_NAME"], first["SERVER_PORT"], first["wsgi.url_scheme"]) == ("192.0.2.1", "80", "http")
    assert (first["REMOTE_ADDR"], first["REMOTE_PORT"]) == ("198.51.100.7", "5000")
    assert (second["SERVER_NAME"], second["SERVER_PORT"], second["wsgi.url_scheme"]) == ("/run/socket", "", "https")
    assert (second["REMOTE_ADDR"], second.get("REMOTE_PORT")) == ("", None)
    assert first["wsgi.errors"] is not errors
    assert second["wsgi.errors"] is errors


def test_nothing_of_one_environ_is_seen_in_the_next():
    first = make_environ(native(b"POST /a%20b?q=1 HTTP/1.0\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"))
    first["mine"] = first["SCRIPT_NAME"] = "/x"
    second = make_environ(native(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert "mine" not in second
    assert "HTTP_X_A" not in second
    assert [second[name] for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL")] == [
        "GET",
        "",
        "/",
        "",
        "HTTP/1.1",
    ]


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/", "/"), (b"/a", "/a"), (b"/a?b", "/a"), (b"/a%2Fb", "/a/b"), (b"//a", "/a"), (b"http://h/a", "/a"), (b"http://h", "/")],
)
def test_the_path_is_that_of_the_target_whatever_its_form(target, path):
    environ = make_environ(native(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert (environ["PATH_INFO"], environ["REQUEST_URI"]) == (path, target.decode())


def test_what_a_request_without_a_body_has_for_one_is_beyond_the_reach_of_its_reader():
    """All such requests have one object."""
    body = make_environ(native())["wsgi.input"]
    body.close()
    body.seek(5)
    with pytest.raises(io.UnsupportedOperation):
        body.write(b"x")
    with pytest.raises(AttributeError):
        body.mine = True
    again = make_environ(native())["wsgi.input"]
    assert (again.read(), again.read(1), again.readline(), again.tell(), list(again), again.closed) == (b"", b"", b"", 0, [], False)

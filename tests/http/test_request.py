"""A native request: its own ways to what Werkzeug's says, and where it differs on purpose."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import tempfile
import weakref
from typing import Any

import pytest
from werkzeug.datastructures import EnvironHeaders, Headers, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.test import create_environ
from werkzeug.utils import cached_property
from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.base.errors import RemoteProtocolError
from kolben.http import Request, Response
from kolben.http._environ import make_environ
from kolben.http._headers import FieldsBase
from kolben.http._query import Args
from kolben.http.headers import RequestHeaders


def head(line: str = "GET / HTTP/1.1", **fields: str) -> bytes:
    """Write a head; names are given with underscores for dashes."""
    lines = [line, "Host: example.com", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(body: bytes, content_type: str = "application/json", cls: type[Request] = Request) -> Request:
    """Make a request with a body."""
    return cls.from_bytes(head("POST / HTTP/1.1", Content_Type=content_type, Content_Length=str(len(body))), body)


def chunked(body: Any, cls: type[Request] = Request) -> Request:
    """Make a request with a body in the chunked coding."""
    return cls.from_bytes(head("POST / HTTP/1.1", Transfer_Encoding="chunked", Content_Type="application/json"), body)


def environ_is_made(request: Request) -> bool:
    """Whether somebody asked for the environ; headers read it from then on."""
    return type(request.headers) is EnvironHeaders


# ---------------------------------------------------------------- from_bytes


def test_a_request_can_be_made_from_the_bytes_of_its_head():
    request = Request.from_bytes(
        b"GET /a?b=c HTTP/1.1\r\nHost: h.example\r\n\r\n", remote=("192.0.2.1", 7), server=("/run/socket", None), scheme="https"
    )
    assert (request.url, request.remote_addr, request.server) == ("https://h.example/a?b=c", "192.0.2.1", ("/run/socket", None))
    assert request.is_native
    assert isinstance(request, WerkzeugRequest)


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"", 400), (b"GET / HTTP/1.1\r\nHost: a\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)],
)
def test_a_bad_head_is_refused_as_by_the_server(raw, status):
    with pytest.raises(RemoteProtocolError) as caught:
        Request.from_bytes(raw)
    assert caught.value.status == status


def test_what_does_not_belong_to_the_message_is_refused():
    with pytest.raises(ValueError, match="3 bytes follow"):
        Request.from_bytes(head() + b"abc")
    with pytest.raises(ValueError, match="expected 0 bytes, as the head says, got 1"):
        Request.from_bytes(head(), b"x")
    with pytest.raises(ValueError, match="expected 3 bytes, as the head says, got 2"):
        Request.from_bytes(head("POST / HTTP/1.1", Content_Length="3"), b"xx")


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 20, 500])
def test_heads_with_many_fields_are_held_whole(count):
    request = Request.from_bytes(head(**{f"X-{n}": str(n) for n in range(count)}))
    headers = request.headers
    del request
    assert [headers[f"x-{n}"] for n in range(count)] == [str(n) for n in range(count)]
    assert len(headers) == count + 1


# ---------------------------------------------------------------- life


def test_headers_outlive_their_request_and_keep_nothing_alive():
    """A cycle would leave every request to the garbage collector."""
    request = Request.from_bytes(head(X_A="1"))
    gone = weakref.ref(request)
    headers = request.headers
    assert request.headers is headers
    gc.disable()
    try:
        del request
        assert gone() is None
    finally:
        gc.enable()
    assert headers["X-A"] == "1"


@pytest.mark.parametrize(
    "name", ["method", "path", "query_string", "headers", "args", "scheme", "environ", "url", "form", "json", "data", "stream"]
)
def test_an_empty_request_says_so_instead_of_reading_what_is_not_there(name):
    request = Request.__new__(Request)
    with pytest.raises(AttributeError):
        getattr(request, name)


def test_other_questions_to_an_empty_request_do_no_harm():
    request = Request.__new__(Request)
    assert (request.server, request.remote_addr, request.is_native) == (None, None, False)
    for call in (lambda: make_environ(request), request.get_data, request.get_json, request.__repr__):
        with pytest.raises(AttributeError):
            call()
    assert copy.copy(request).server is None


def test_empty_headers_have_no_fields():
    for headers in (RequestHeaders.__new__(RequestHeaders), FieldsBase.__new__(FieldsBase)):
        assert (list(headers), len(headers), headers.get("a"), "a" in headers, headers.environ) == ([], 0, None, False, {})


def test_a_copy_answers_for_itself():
    request = post(b'{"a": 1}')
    request.url_rule = "rule"
    assert request.headers["Host"] == "example.com"
    twin = copy.copy(request)
    twin.path = "/other"
    assert (request.path, twin.path, twin.json, request.json, twin.url_rule) == ("/", "/other", {"a": 1}, {"a": 1}, "rule")
    assert type(copy.copy(Request(create_environ("/x")))) is Request
    assert copy.copy(Request(create_environ("/x"))).path == "/x"


def test_a_request_cannot_be_pickled_and_its_headers_can():
    request = Request.from_bytes(head(X_A="1", Content_Type="a/b"))
    with pytest.raises(TypeError, match="cannot pickle 'Request' object"):
        pickle.dumps(request)
    again = pickle.loads(pickle.dumps(request.headers))
    assert sorted(again) == sorted(request.headers) == sorted(copy.deepcopy(request.headers))


# ---------------------------------------------------------------- assignment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "PUT"), ("path", "/x"), ("query_string", b"z=1"), ("scheme", "https"), ("server", ("s", 1)), ("server", None),
        ("root_path", "/app"), ("remote_addr", "::1"), ("remote_addr", None), ("args", ImmutableMultiDict({"a": "b"})),
        ("headers", Headers({"Host": "set.example"})), ("environ", {"a": "b"}), ("shallow", True), ("form", ImmutableMultiDict()),
        ("url_rule", "r"), ("view_args", {}), ("routing_exception", KeyError()),
    ],
)  # fmt: skip
def test_every_attribute_can_be_set(name, value):
    for request in (Request.from_bytes(head()), Request(create_environ("/"))):
        setattr(request, name, value)
        assert getattr(request, name) == value


def test_what_is_set_is_what_others_read():
    request = Request.from_bytes(head("GET /a?b=1 HTTP/1.1"))
    assert request.args.to_dict() == {"b": "1"}
    request.query_string = b"c=2&d=%ff"
    assert request.args.to_dict() == {"b": "1"}  # was asked for already, as with Werkzeug's
    del request.args
    assert request.args.to_dict() == {"c": "2", "d": "%FF"}
    request.headers = Headers({"Host": "set.example", "Content-Type": "application/json"})
    assert (request.host, request.is_json) == ("set.example", True)
    request.root_path = "/app"
    assert request.url == "http://set.example/app/a?c=2&d=%FF"


def test_headers_read_the_environ_once_it_is_there():
    """As with Werkzeug's: middleware and hooks change the environ, and views see it."""
    request = Request.from_bytes(head(X_A="1"))
    assert request.headers["X-A"] == "1"
    request.environ["HTTP_X_A"] = "2"
    request.environ["HTTP_X_B"] = "3"
    assert (request.headers["X-A"], request.headers.get("X-B")) == ("2", "3")


def test_headers_that_were_set_stay_when_the_environ_is_made():
    request = Request.from_bytes(head())
    request.headers = own = Headers({"A": "b"})
    assert request.environ["HTTP_HOST"] == "example.com"
    assert request.headers is own


# ---------------------------------------------------------------- the body


def test_json_forms_and_bytes_are_read_without_an_environ():
    for request, ask in (
        (post(b"[1]"), lambda r: r.json),
        (post(b"[1]"), lambda r: r.get_json(force=True, silent=True)),
        (post(b"[1]"), lambda r: r.data),
        (post(b"[1]"), lambda r: r.get_data(as_text=True)),
        (post(b"[1]"), lambda r: r.stream.read()),
        (post(b"a=1", "application/x-www-form-urlencoded"), lambda r: r.form["a"]),
        (post(b"a=1", "application/x-www-form-urlencoded"), lambda r: r.values.get("b")),
    ):
        ask(request)
        assert not environ_is_made(request)


def test_a_body_is_read_once():
    request = post(b"[1]")
    assert request.get_data(cache=False) == b"[1]"
    assert request.get_data(cache=False) == b""
    assert request.environ["wsgi.input"].read() == b""
    request = post(b"[1]")
    assert request.stream.read(1) == b"["
    assert request.environ["wsgi.input"].read() == b"1]"


def test_an_input_that_a_hook_put_into_the_environ_is_read():
    request = post(b"[1]")
    request.environ["wsgi.input"] = io.BytesIO(b"[2]")
    assert request.json == [2]


def test_a_subclass_may_replace_how_the_body_is_read():
    class Own(Request):
        @cached_property
        def stream(self):
            return io.BytesIO(b'"own"')

    class Deaf(Request):
        is_json = False

    class Asked(Request):
        def get_data(self, *args, **kwargs):
            return b"[" + super().get_data(*args, **kwargs) + b"]"

    class Other(Request):
        mimetype = "application/json"
        json_module = pickle

    assert post(b"[1]", cls=Own).json == "own"
    assert post(b"[1]", cls=Asked).json == [[1]]
    on_one = post(b"[1]")
    on_one.get_data = lambda *args, **kwargs: b"[2]"
    assert (on_one.json, post(b"[1]").json) == ([2], [1])
    assert post(b"[1]", cls=Deaf).get_json(silent=True) is None
    assert post(pickle.dumps({1}), "text/plain", Other).json == {1}
    cached = post(b"[1]")
    cached._cached_data = b"[3]"
    assert (cached.json, cached.data) == ([3], b"[3]")


def test_the_class_of_args_may_be_replaced_on_a_subclass_and_on_one_request():
    class Own(Request):
        parameter_storage_class = MultiDict

    def make(cls):
        return cls.from_bytes(b"GET /?a=1 HTTP/1.1\r\nHost: h\r\n\r\n")

    on_one = make(Request)
    on_one.parameter_storage_class = MultiDict
    assert [type(each.args) for each in (make(Own), on_one, make(Request))] == [MultiDict, MultiDict, Args]
    Own.parameter_storage_class = ImmutableMultiDict
    assert type(make(Own).args) is Args


@pytest.mark.parametrize("make", [post, chunked, lambda body: chunked(io.BytesIO(body))])
def test_a_body_over_the_limit_is_refused_in_every_coding_and_one_that_meets_it_is_read(make):
    """Werkzeug cuts a chunked one off without a word, and refuses the second read of one that meets the limit."""
    for ask in (lambda r: r.get_data(), lambda r: r.json, lambda r: r.data, lambda r: r.stream, lambda r: r.form):
        request = make(b"[1, 2]")
        request.max_content_length = 5
        with pytest.raises(RequestEntityTooLarge):
            ask(request)
        request = make(b"[1, 2]")
        request.max_content_length = 6
        ask(request)
        assert request.stream.read() in {b"", b"[1, 2]"}
        assert request.stream.read() == b""


def test_a_request_with_uploads_says_so_for_it_has_to_be_closed():
    """A plan closes what has uploads: most requests have none, and pay nothing."""
    part = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\ndata\r\n--B--\r\n'
    request = post(part, "multipart/form-data; boundary=B")
    with request:
        assert request.files["f"].read() == b"data"
        assert request.has_uploads
    assert request.files["f"].stream.closed
    without = post(part.replace(b'; filename="x"', b""), "multipart/form-data; boundary=B")
    assert (without.form["f"], without.has_uploads, environ_is_made(without)) == ("data", False, False)


def test_a_body_may_be_a_file():
    with tempfile.TemporaryFile() as file:
        file.write(b'{"a": 1}')
        file.seek(0)
        request = chunked(file)
        request.max_content_length = 100
        assert request.json == {"a": 1}
        assert request.environ["wsgi.input"] is file


def test_a_shallow_request_does_not_read():
    request = post(b"[1]")
    request.shallow = True
    for ask in (request.get_data, request.get_json, lambda: request.form, lambda: request.stream):
        with pytest.raises(RuntimeError, match="shallow"):
            ask()


def test_json_that_fails_is_the_subclasss_business():
    class Lenient(Request):
        def on_json_loading_failed(self, e):
            return {"failed": str(e)}

    request = post(b"{bad", cls=Lenient)
    expected = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert request.json == {"failed": expected}
    assert request.get_json() is request.get_json()
    assert request.get_json(silent=True) is None
    with pytest.raises(BadRequest, match="Failed to decode JSON object"):
        post(b"{bad").get_json()


# ---------------------------------------------------------------- differences on purpose


def test_a_method_keeps_its_case():
    """RFC 9110, section 9.1."""
    assert Request.from_bytes(head("get / HTTP/1.1")).method == "get"


def test_cookie_lines_are_joined_as_cookies():
    request = Request.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nX: y\r\ncookie: b=2; c=3\r\n\r\n")
    assert request.headers["Cookie"] == "a=1; b=2; c=3"
    assert request.environ["HTTP_COOKIE"] == "a=1; b=2; c=3"
    assert request.cookies.to_dict() == {"a": "1", "b": "2", "c": "3"}


def test_a_name_with_an_underscore_is_not_there_and_one_asked_for_means_a_dash():
    """So nobody can forge a field that a proxy sets."""
    request = Request.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\nX_Real_Ip: forged\r\n\r\n")
    for _ in range(2):
        assert "X_Real_Ip" not in request.headers
        assert "X-Real-Ip" not in request.headers
        assert list(request.headers) == [("Host", "a")]
        assert request.environ  # and the same when the environ is there
    assert Request.from_bytes(head(X_Real_Ip="1.2.3.4")).headers["X_Real_Ip"] == "1.2.3.4"


def test_the_environ_has_no_http_proxy():
    """CVE-2016-1000111."""
    request = Request.from_bytes(head(Proxy="http://evil.example"))
    assert request.headers["Proxy"] == "http://evil.example"
    assert "HTTP_PROXY" not in request.environ


def test_the_absolute_form_wins_over_host():
    """RFC 9112, section 3.2.2."""
    request = Request.from_bytes(b"GET http://real.example/a HTTP/1.1\r\nHost: other.example\r\n\r\n")
    assert (request.host, request.headers["host"], list(request.headers)) == ("real.example", "real.example", [("Host", "real.example")])
    without = Request.from_bytes(b"GET http://real.example/ HTTP/1.0\r\n\r\n")
    assert (without.host, list(without.headers), len(without.headers)) == ("real.example", [("Host", "real.example")], 1)


def test_without_host_the_server_says_where_it_is():
    request = Request.from_bytes(b"GET / HTTP/1.0\r\n\r\n", server=("192.0.2.1", 8080))
    assert request.url == "http://192.0.2.1:8080/"


# ---------------------------------------------------------------- from an environ


def test_werkzeugs_ways_to_make_a_request_work():
    @Request.application
    def application(request):
        return Response(f"{type(request) is Request} {request.method} {request.form['a']}")

    request = Request.from_values("/p?q=1", method="POST", data={"a": "é"})
    assert (request.is_native, request.path, request.args["q"], request.form["a"]) == (False, "/p", "1", "é")
    started: list[Any] = []
    body = application(create_environ(method="POST", data={"a": "b"}), lambda *args: started.append(args))
    assert b"".join(body) == b"True POST b"
    assert started[0][0] == "200 OK"


def test_a_subclass_may_have_a_constructor():
    class Own(Request):
        def __init__(self, environ, *args, **kwargs):
            super().__init__(environ, *args, **kwargs)
            self.environ["own"] = self.headers["X-A"]

    assert Own(create_environ(headers={"X-A": "1"})).environ["own"] == "1"


@pytest.mark.parametrize("query", ["", "a=1", "a=1&a=2&b=", "n=x&n=2", "a=1&=2&&c"])
def test_args_answer_every_question_as_werkzeugs_type_does(query):
    """They are of its type; only the look-ups are our own."""
    from urllib.parse import parse_qsl

    from werkzeug.datastructures import ImmutableMultiDict, MultiDict
    from werkzeug.exceptions import BadRequestKeyError

    args = Request.from_bytes(f"GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).args
    model = ImmutableMultiDict(parse_qsl(query, keep_blank_values=True))
    assert isinstance(args, ImmutableMultiDict)
    assert (args, repr(args), list(args.items(multi=True))) == (model, repr(model), list(model.items(multi=True)))
    for key in ("a", "b", "c", "n", "", "missing"):
        assert args.get(key) == model.get(key)
        assert args.get(key, 7, type=int) == model.get(key, 7, type=int)
        assert (args.getlist(key), key in args) == (model.getlist(key), key in model)
        if key not in model:
            with pytest.raises(BadRequestKeyError) as refused:
                args[key]
            assert refused.value.args == (key,)
    assert type(args.copy()) is MultiDict
    assert pickle.loads(pickle.dumps(args)) == args
    with pytest.raises(TypeError, match="unhashable"):
        args.get([])
    with pytest.raises(TypeError, match="immutable"):
        args["a"] = "b"


def test_the_length_of_the_body_is_what_the_head_says():
    assert post(b"abc").content_length == 3
    assert Request.from_bytes(head()).content_length is None
    assert chunked(b"abc").content_length is None
    assert Request.from_bytes(head("POST / HTTP/1.1", Content_Length="0")).content_length == 0


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ({"CONTENT_LENGTH": "3"}, 3),
        ({"CONTENT_LENGTH": "x"}, 0),
        ({"CONTENT_LENGTH": "3", "HTTP_TRANSFER_ENCODING": "chunked"}, None),
        ({}, None),
    ],
)
def test_the_length_of_the_body_is_what_the_environ_says(fields, length):
    environ = {key: value for key, value in create_environ().items() if key != "CONTENT_LENGTH"}
    assert Request({**environ, **fields}).content_length == length
    request = post(b"abcd")
    request.environ.pop("CONTENT_LENGTH")
    request.environ.update(fields)
    assert request.content_length == length


def test_the_length_of_the_body_can_be_assigned_and_forgotten():
    request = post(b"abc")
    request.content_length = None
    assert (request.content_length, copy.copy(request).content_length) == (None, None)
    del request.content_length
    assert request.content_length == 3

"""A native request answers what Werkzeug's answers over the environ that a WSGI server makes of the same bytes.

KOLBEN_EXAMPLES says how many messages are tried.  What differs on purpose is listed in kolben/http/_request.pyx and tested in
tests/http/test_request.py; the messages here have none of it.
"""

from __future__ import annotations

import copy
import gc
import io
import os
import random
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableDict, MultiDict
from werkzeug.wrappers import Request as WerkzeugRequest

from kolben.http import Request

EXAMPLES = int(os.environ.get("KOLBEN_EXAMPLES", "100"))
thorough = settings(max_examples=EXAMPLES, deadline=None)

# Uploads are left to the garbage collector, which closes their files with a word about it.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", autouse=True)
def _collected():
    """Have the collector speak here, not during the tests of somebody else."""
    yield
    gc.collect()


REMOTE = ("192.0.2.7", 40001)
SERVER = ("198.51.100.1", 8080)


@pytest.fixture(autouse=True, scope="module")
def collected():
    """Let them be collected here, where the filter holds, and not in the next module."""
    yield
    gc.collect()


class OwnRequest(Request):
    """A subclass as applications write them."""

    parameter_storage_class = MultiDict
    dict_storage_class = ImmutableDict
    max_form_memory_size = 20
    trusted_hosts = ["example.com", ".example.org"]  # noqa: RUF012 - as Werkzeug declares it

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Answer instead of raising."""
        return ("no JSON", type(e))


class OwnWerkzeugRequest(WerkzeugRequest):
    """The same on Werkzeug's."""

    parameter_storage_class = MultiDict
    dict_storage_class = ImmutableDict
    max_form_memory_size = 20
    trusted_hosts = ["example.com", ".example.org"]  # noqa: RUF012 - as Werkzeug declares it
    on_json_loading_failed = OwnRequest.on_json_loading_failed


CLASSES = [(Request, WerkzeugRequest), (OwnRequest, OwnWerkzeugRequest)]

# ---------------------------------------------------------------- messages

Fields = list[tuple[str, str]]
Message = tuple[str, str, Fields, bytes, bool]  # method, target, fields, body, whether it is chunked

PATH_PIECES = [
    "/",
    "//",
    "a",
    "user",
    "%20",
    "%2F",
    "%2f",
    "%C3%A9",
    "%ff",
    "%",
    "%zz",
    "%00",
    "+",
    ";v=1",
    ".",
    "..",
    "~",
    "@:",
    "%E2%82%AC",
    "|",
]
QUERY_PIECES = [
    "&", "&&", "=", "==", "a", "b", "a=1", "b=", "=c", "+", "%20", "%26", "%3D", "%C3%A9", "%ff", "%", "%4", "%zz", "a[]=1", ";",
    "?", "%2B", "%00", "x=%e2%82",
]  # fmt: skip
VALUE_BYTES = "\t" + "".join(chr(byte) for byte in range(0x20, 0x100) if byte != 0x7F)
TYPED = {
    "Accept": ["text/html,application/json;q=0.9,*/*;q=0.1", "*/*", "", "text/html;level=1;q=x"],
    "Accept-Language": ["de-CH, de;q=0.9, en;q=0.8", "*"],
    "Accept-Charset": ["utf-8, latin-1;q=0.5"],
    "Accept-Encoding": ["gzip, br;q=0.5", ""],
    "Authorization": ["Basic YTpi", "Basic ///", "Bearer abc", 'Digest username="u", realm="r"', "x"],
    "Cache-Control": ["no-cache, max-age=0", "max-age=x"],
    "Cookie": ["a=1; b=2", 'a="x y"; a=2', "é=1", "=; ;", "a=%C3%A9"],
    "Date": ["Sun, 06 Nov 1994 08:49:37 GMT", "yesterday"],
    "If-Match": ['"a", W/"b"', "*"],
    "If-None-Match": ['"a"', "*", "x"],
    "If-Modified-Since": ["Sun, 06 Nov 1994 08:49:37 GMT", "never"],
    "If-Unmodified-Since": ["Sun, 06 Nov 1994 08:49:37 GMT"],
    "If-Range": ['"a"', "Sun, 06 Nov 1994 08:49:37 GMT"],
    "Range": ["bytes=0-4", "bytes=-5", "lines=1", "bytes=5-1"],
    "Referer": ["https://example.org/%20"],
    "User-Agent": ["Mozilla/5.0 (X11)", ""],
    "X-Forwarded-For": ["10.0.0.1, 10.0.0.2", ""],
    "Origin": ["null"],
    "Max-Forwards": ["3", "x"],
    "Pragma": ["no-cache"],
    "Access-Control-Request-Headers": ["X-A, X-B"],
    "Access-Control-Request-Method": ["PUT"],
    "Content-Encoding": ["gzip"],
    "Content-MD5": ["Q2hlY2sgSW50ZWdyaXR5IQ=="],
    "X-Under_Score": ["folded"],
    "X_Forwarded_For": ["forged"],
}  # fmt: skip
NAMES = ["X-A", "x-b", "X-c-D", "X_E", "a.b", "X'y", "1", "Via", "Accept"]

BODIES: list[tuple[str | None, bytes]] = [
    (None, b""),
    (None, b"plain"),
    ("", b"x=1"),
    ("text/plain; charset=latin-1", b"caf\xe9"),
    ("application/json", b'{"a": [1, 2.5, null, "\xc3\xa9"]}'),
    ("application/json", b""),
    ("application/json", b"{bad"),
    ("application/json", b"\xff"),
    ("application/json", b'"\xed\xa0\x80"'),
    ("Application/JSON ; charset=utf-8", b"[NaN, 1e400]"),
    ("application/json;", b"1"),
    ("application/json,text/plain", b"1"),
    ("application/problem+json", b'{"a": 1}'),
    ("application/jsonp", b"[]"),
    ("application/x-www-form-urlencoded", b"a=1&a=2&b=%C3%A9&c=%ff+x&=&&d"),
    ("application/x-www-form-urlencoded; charset=utf-8", b"\xe9=\xff"),
    ("multipart/form-data; boundary=B", (
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\nX-More: 1\r\n\r\nfile body\r\n'
        b'--B--\r\n')),
    ("multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"1" * 30 + b"\r\n--B--\r\n"),
    ("multipart/form-data; boundary=B", b"--B\r\nbroken"),
    ("multipart/form-data", b"no boundary"),
]  # fmt: skip


def mixed(draw: random.Random, pieces: list[str], size: int) -> str:
    """Some of the pieces in a row."""
    return "".join(draw.choices(pieces, k=draw.randint(0, size)))


def text(draw: random.Random) -> str:
    """Make a field value out of any bytes that one may hold."""
    return "".join(draw.choices(VALUE_BYTES, k=draw.randint(0, 12))).strip(" \t\xa0\x85")


def message(number: int) -> Message:
    """Make a message.  The number decides: it is the amount that finds things here, not the shrinking."""
    draw = random.Random(number)
    method = draw.choice(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PURGE"])
    target = "/" + mixed(draw, PATH_PIECES, 6)
    if draw.random() < 0.7:
        target = f"{target}?{mixed(draw, QUERY_PIECES, 7)}"
    form = draw.choice(["origin"] * 6 + ["absolute", "asterisk"])
    if form == "absolute":
        target = f"http://abs.example.com:81{target}"
    elif form == "asterisk":
        method, target = "OPTIONS", "*"
    fields: Fields = [(name, draw.choice(TYPED[name])) for name in draw.sample(sorted(TYPED), draw.randint(0, 5))]
    fields += [(draw.choice(NAMES), text(draw)) for _ in range(draw.randint(0, 4))]
    fields.append(("Host", draw.choice(["example.com", "EXAMPLE.org:8080", "[::1]:80", "1.2.3.4"])))
    content_type, body = draw.choice(BODIES)
    if content_type is not None:
        fields.append((draw.choice(["Content-Type", "content-type"]), content_type))
        if draw.random() < 0.1:
            fields.append(("CONTENT-TYPE", "text/x-last"))
    chunked = draw.random() < 0.2
    if chunked:
        fields.append(("Transfer-Encoding", "chunked"))
    elif body or draw.random() < 0.5:
        fields.append(("Content-Length", str(len(body))))
    draw.shuffle(fields)
    return method, target, fields, body, chunked


messages = st.integers(0, 2**32).map(message)


def head_of(method: str, target: str, fields: Fields) -> bytes:
    """Write the head."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def environ_of(method: str, target: str, fields: Fields, body: bytes) -> dict[str, Any]:
    """Make the environ by the rules of Werkzeug's own server: written apart from what it is compared with."""
    authority = ""
    if target.startswith("http://"):
        authority, slash, rest = target.removeprefix("http://").partition("/")
        origin = slash + rest
    else:
        origin = target
    path, _, query = origin.partition("?")
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "REMOTE_ADDR": REMOTE[0],
        "REMOTE_PORT": str(REMOTE[1]),
        "SERVER_NAME": SERVER[0],
        "SERVER_PORT": str(SERVER[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    for name, value in fields:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
            if key in environ:
                value = f"{environ[key]},{value}"
        environ[key] = value
    if authority:
        environ["HTTP_HOST"] = authority
    return environ


# ---------------------------------------------------------------- questions

ATTRIBUTES = [
    "method", "path", "full_path", "url", "base_url", "root_url", "url_root", "host_url", "host", "root_path", "script_root", "scheme",
    "query_string", "is_secure", "server", "remote_addr", "access_route", "cookies", "args",
    "content_type", "mimetype", "mimetype_params", "content_length", "content_encoding", "content_md5", "is_json",
    "accept_mimetypes", "accept_charsets", "accept_encodings", "accept_languages", "authorization", "cache_control", "pragma",
    "date", "if_match", "if_none_match", "if_modified_since", "if_unmodified_since", "if_range", "range", "referrer", "user_agent",
    "origin", "max_forwards", "access_control_request_headers", "access_control_request_method",
    "want_form_data_parsed", "shallow", "data", "form", "files", "values", "json",
]  # fmt: skip
BODY_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_data", {}),
    ("get_data", {"cache": False}),
    ("get_data", {"as_text": True}),
    ("get_data", {"parse_form_data": True}),
    ("get_data", {"cache": False, "as_text": True, "parse_form_data": True}),
    ("get_json", {}),
    ("get_json", {"silent": True}),
    ("get_json", {"force": True}),
    ("get_json", {"force": True, "silent": True}),
    ("get_json", {"cache": False}),
    ("get_json", {"force": True, "cache": False, "silent": True}),
]
TITLES: list[Any] = [
    "Host", "host", "X-A", "X_A", "x_forwarded_for", "X-Under-Score", "X-Under_Score", "Cookie",
    "Content-Type", "CONTENT_LENGTH", "Accept", "Nope", "é", "€" * 3, "x" * 70, "", "Http-Host", 1, None,
]  # fmt: skip


def werkzeugs_type(value):
    """The name of the type of Werkzeug's that a value is of: ours are subclasses."""
    return next((cls.__name__ for cls in type(value).__mro__ if cls.__module__.startswith("werkzeug")), type(value).__name__)


def plain(value: Any) -> Any:
    """Make what is answered comparable."""
    if isinstance(value, MultiDict):
        return [werkzeugs_type(value), [(key, [plain(one) for one in many]) for key, many in value.lists()]]
    if isinstance(value, BaseException):
        return type(value), str(value)
    if hasattr(value, "to_dict") and hasattr(value, "lists"):
        return [(key, [plain(one) for one in many]) for key, many in value.lists()]
    if hasattr(value, "filename") and hasattr(value, "stream"):  # a FileStorage
        value.seek(0)
        return value.name, value.filename, value.content_type, list(value.headers), value.read()
    if isinstance(value, float) or (type(value).__eq__ is object.__eq__ and value is not None) or isinstance(value, list | dict):
        return type(value).__name__, repr(value)
    return type(value).__name__, value, str(value)


def asked(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the answer, or what was raised."""
    try:
        return plain(function(*args, **kwargs))
    except Exception as error:
        return plain(error)


def pair(message: Message, classes: tuple[type[Request], type[WerkzeugRequest]] = CLASSES[0]) -> tuple[Any, Any]:
    """Make the native request and Werkzeug's."""
    method, target, fields, body, _ = message
    native = classes[0].from_bytes(head_of(method, target, fields), body, remote=REMOTE, server=SERVER)
    return native, classes[1](environ_of(method, target, fields, body))


@given(messages, st.integers(0, 2**32), st.sampled_from(CLASSES))
@thorough
def test_every_attribute_is_werkzeugs_in_whatever_order_they_are_asked_for(message, order, classes):
    native, werkzeugs = pair(message, classes)
    for name in random.Random(order).sample(ATTRIBUTES, len(ATTRIBUTES)):
        assert asked(getattr, native, name) == asked(getattr, werkzeugs, name), name


@given(messages, st.booleans())
@thorough
def test_headers_are_those_of_the_environ(message, environ_first):
    native, werkzeugs = pair(message)
    if environ_first:
        assert native.environ
    mine, theirs = native.headers, werkzeugs.headers
    assert list(mine) == list(theirs) or sorted(mine) == sorted(theirs)  # an environ puts a name where its first line stood
    assert len(mine) == len(theirs)
    for name in ("keys", "values", "items", "to_wsgi_list"):
        assert sorted(getattr(mine, name)()) == sorted(getattr(theirs, name)())
    for title in TITLES:
        assert asked(mine.__getitem__, title) == asked(theirs.__getitem__, title)
        assert asked(mine.get, title, "default") == asked(theirs.get, title, "default")
        assert asked(mine.get, title, type=int) == asked(theirs.get, title, type=int)
        assert asked(mine.__contains__, title) == asked(theirs.__contains__, title)
        assert asked(mine.getlist, title) == asked(theirs.getlist, title)
    assert sorted(str(mine).split("\r\n")) == sorted(str(theirs).split("\r\n"))
    assert asked(copy.copy, mine)[0] == asked(copy.copy, theirs)[0] is TypeError
    for name, args in (
        ("set", ("X", "1")),
        ("add", ("X", "1")),
        ("pop", ("Host",)),
        ("clear", ()),
        ("__delitem__", ("Host",)),
        ("update", ({},)),
    ):
        assert asked(getattr(mine, name), *args)[0] == asked(getattr(theirs, name), *args)[0], name


@given(messages, st.lists(st.sampled_from(BODY_CALLS), min_size=1, max_size=4), st.sampled_from(CLASSES), st.sampled_from([None, 4, 10**6]))
@thorough
def test_the_body_is_read_as_werkzeug_reads_it(message, calls, classes, limit):
    native, werkzeugs = pair(message, classes)
    if limit is not None and (message[4] or len(message[3]) == limit):
        limit = 10**6  # a limit in the chunked coding, or met exactly: a difference on purpose
    native.max_content_length = werkzeugs.max_content_length = limit
    for name, kwargs in calls:
        assert asked(getattr(native, name), **kwargs) == asked(getattr(werkzeugs, name), **kwargs), (name, kwargs)
    for rest in (lambda request: request.stream.read(), lambda request: request.environ["wsgi.input"].read()):
        assert asked(rest, native) == asked(rest, werkzeugs)


@given(messages)
@thorough
def test_the_environ_is_that_of_a_wsgi_server(message):
    native, werkzeugs = pair(message)
    mine, theirs = dict(native.environ), dict(werkzeugs.environ)
    assert mine.pop("werkzeug.request") is native
    assert theirs.pop("werkzeug.request") is werkzeugs
    for extra in ("SERVER_SOFTWARE", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"):
        assert extra in mine
        del mine[extra]
    assert mine.pop("wsgi.input").read() == theirs.pop("wsgi.input").read()
    assert mine.pop("PATH_INFO").lstrip("/") == theirs.pop("PATH_INFO").lstrip("/")
    assert mine == theirs


@given(messages)
@thorough
def test_a_request_made_of_the_native_ones_environ_says_the_same(message):
    native, werkzeugs = pair(message)
    again = Request(native.environ)
    for name in ATTRIBUTES:
        assert asked(getattr, again, name) == asked(getattr, werkzeugs, name), name


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("first", ["data", "form", "json", "stream", "environ"])
def test_every_body_after_every_first_look(classes, body, first):
    """Which of the ways to the body came first decides what the others find: the same as with Werkzeug's."""
    content_type, content = body
    fields = [("Host", "example.com"), ("Content-Length", str(len(content)))] + (
        [("Content-Type", content_type)] if content_type is not None else []
    )
    native, werkzeugs = pair(("POST", "/", fields, content, False), classes)
    asked(getattr, native, first), asked(getattr, werkzeugs, first)
    for name in ("data", "form", "files", "json", "want_form_data_parsed"):
        assert asked(getattr, native, name) == asked(getattr, werkzeugs, name), name
    for name, kwargs in BODY_CALLS:
        assert asked(getattr(native, name), **kwargs) == asked(getattr(werkzeugs, name), **kwargs), (name, kwargs)

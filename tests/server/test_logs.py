"""The log: what a person reads, what a machine reads, and what a peer cannot make it say."""

import io
import json
import logging
from contextvars import Context

import pytest

from kolben.app import App
from kolben.base import LocalProtocolError
from kolben.flask import render_template_string, request
from kolben.http import Request, Response
from kolben.http._house_fields import set_house_fields
from kolben.http._outgoing import serialize
from kolben.http._response import plain_response
from kolben.http.marks import csp_nonce
from kolben.server.access import AccessLog
from kolben.server.logs import JSONFormatter, LogFile, TextFormatter, set_up_logs
from kolben.server.profile import SECURITY_FIELDS, set_profile

EVIL = "a\x1b[31m\r\x07\x9b\u2028 \x85b"


def record(message="it happened", level=logging.INFO, **more):
    made = logging.LogRecord("kolben.server", level, "server.py", 7, message, None, more.pop("exc_info", None))
    vars(made).update(created=0.25, msecs=250.0, process=42, **more)
    return made


def fail():
    raise ValueError("a message\nwith a line that looks like 12:00:00 [1] another")


def failure():
    with pytest.raises(ValueError, match="a message") as failed:
        fail()
    return failed.type, failed.value, failed.tb


@pytest.fixture
def kolben_logger():
    logger = logging.getLogger("kolben")
    before = logger.handlers[:], logger.level, logger.propagate
    yield logger
    for handler in logger.handlers:
        if handler not in before[0]:
            handler.close()
    logger.handlers[:], logger.level, logger.propagate = before


# --- the two forms -----------------------------------------------------------------------------------------------------------


def test_a_person_reads_time_process_level_and_message():
    assert TextFormatter().format(record(level=logging.WARNING)).endswith(":00:00 [42] WARNING it happened")


def test_colours_are_for_terminals_alone():
    assert "\x1b" not in TextFormatter().format(record(level=logging.ERROR))
    assert TextFormatter(colours=True).format(record(level=logging.ERROR)).startswith("\x1b[31m")


def test_a_machine_reads_one_object_in_one_line():
    line = JSONFormatter().format(record(exc_info=failure()))
    told = json.loads(line)
    assert "\n" not in line
    assert told["time"] == "1970-01-01T00:00:00.250Z"
    assert (told["level"], told["logger"], told["pid"], told["message"]) == ("info", "kolben.server", 42, "it happened")
    assert told["exception"].startswith("Traceback")


@pytest.mark.parametrize("formatter", [TextFormatter(), JSONFormatter()])
def test_no_control_character_gets_through(formatter):
    line = formatter.format(record(EVIL))
    assert line.isprintable()


def test_no_message_looks_like_two():
    first, *others = TextFormatter().format(record(exc_info=failure())).split("\n")
    assert first.endswith("it happened")
    assert others
    assert all(line.startswith("    ") for line in others)


# --- where it goes -----------------------------------------------------------------------------------------------------------


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path, kolben_logger):
    handler = set_up_logs(path=tmp_path / "log")
    assert isinstance(handler, LogFile)
    kolben_logger.info("before")
    (tmp_path / "log").rename(tmp_path / "log.1")
    kolben_logger.info("moved")
    handler.reopen()
    kolben_logger.info("after")
    messages = [[json.loads(line)["message"] for line in (tmp_path / name).read_text().splitlines()] for name in ("log.1", "log")]
    assert messages == [["before", "moved"], ["after"]]


def test_a_file_that_cannot_be_opened_again_is_kept(tmp_path, kolben_logger):
    (tmp_path / "folder").mkdir()
    handler = set_up_logs(path=tmp_path / "folder/log")
    (tmp_path / "folder").rename(tmp_path / "gone")
    handler.reopen()
    kolben_logger.info("still here")
    assert "still here" in (tmp_path / "gone/log").read_text()


# --- access ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def noted(kolben_logger):
    """Note one answer to a request with these fields; returns the line and what the JSON log shows."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    kolben_logger.handlers[:] = [handler]
    kolben_logger.setLevel(logging.INFO)
    kolben_logger.propagate = False

    def note(*fields, request=None, **facts):
        request = request or Request.from_bytes("\r\n".join(["GET /x?q=1 HTTP/1.1", "Host: a", *fields, "", ""]).encode("latin-1"))
        AccessLog()(("127.0.0.1", 4000), request, 200, **facts)
        return json.loads(stream.getvalue().splitlines()[-1])

    return note


def test_an_answer_is_noted_with_its_size_and_times(noted):
    told = noted(size=12, body=1, queue=20, run=300)
    assert {name: told[name] for name in ("request", "status", "remote", "route", "bytes", "body_us", "queue_us", "run_us")} == {
        "request": "GET /x?q=1 HTTP/1.1",
        "status": 200,
        "remote": "127.0.0.1",
        "route": None,
        "bytes": 12,
        "body_us": 1,
        "queue_us": 20,
        "run_us": 300,
    }


def test_a_proxys_request_id_is_taken(noted):
    assert noted("X-Request-ID: 7f-a.b_c")["id"] == "7f-a.b_c"


@pytest.mark.parametrize("value", ["", "a b", 'a"b', "a" * 65, "\xe9"])
def test_an_id_that_is_not_plain_is_replaced(noted, value):
    first, second = noted(f"X-Request-ID: {value}")["id"], noted()["id"]
    assert value != first != second != ""


# --- fields of every answer --------------------------------------------------------------------------------------------------


@pytest.fixture
def profile():
    yield set_profile
    set_house_fields([])


def fields_of(response):
    lines = serialize(response)[0].decode("latin-1").split("\r\n")[1:-2]
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("response", [plain_response(500, b"text/plain", b"no"), Response("yes"), Response(status=204)])
def test_every_answer_carries_the_security_fields(response, profile):
    profile(content_policy="default-src 'self'")
    assert fields_of(response).items() >= {**SECURITY_FIELDS, "Content-Security-Policy": "default-src 'self'", "Server": "kolben"}.items()


@pytest.mark.parametrize("name", ["X-Frame-Options", "x-frame-options"])
def test_what_the_application_says_itself_is_said_once(name, profile):
    profile()
    fields = fields_of(Response("", headers={name: "DENY"}))
    assert [value for field, value in fields.items() if field.lower() == "x-frame-options"] == ["DENY"]
    assert fields["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("response", [plain_response(200, b"text/plain", b""), Response("")])
def test_the_server_field_can_be_left_out(response, profile):
    profile(server=False)
    assert "Server" not in fields_of(response)
    assert fields_of(response)["Date"]


def test_a_policy_that_would_split_the_answer_is_refused(profile):
    profile()
    with pytest.raises(LocalProtocolError):
        profile(content_policy="default-src 'self'\r\nSet-Cookie: a=b")
    assert fields_of(Response(""))["X-Content-Type-Options"] == "nosniff", "what stood before stands"


# --- fields that a request decides -------------------------------------------------------------------------------------------

POLICY = "script-src 'self' 'nonce-{nonce}'; object-src 'none'"


def answered(app, path, *fields):
    """The fields and the body of an app's answer."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode()
    request = app.request_class.from_bytes(head)
    head, body = serialize(Context().run(app.handler.match(request).run, request), request)
    whole = body if isinstance(body, bytes) else b"".join(body)
    return dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:-2]), whole.decode()


@pytest.fixture
def pages():
    app = App("pages")

    @app.get("/")
    def page():
        return render_template_string("{{ csp_nonce() }} {{ csp_nonce() }}")

    @app.get("/plain")
    def plain():
        return "no script here"

    @app.get("/crash")
    def crash():
        raise RuntimeError(csp_nonce(request._get_current_object()))

    @app.get("/own")
    def own():
        return "x", {"Content-Security-Policy": "default-src 'none'", "X-Request-ID": "mine"}

    @app.errorhandler(RuntimeError)
    def excuse(error):
        return str(error), 500

    return app


def test_a_page_and_its_policy_have_the_same_nonce_and_each_request_another(pages, profile):
    profile(content_policy=POLICY)
    nonces = set()
    for path in ("/", "/crash", "/"):
        fields, body = answered(pages, path)
        nonce = body.split()[0]
        assert set(body.split()) == {nonce}
        assert fields["Content-Security-Policy"] == POLICY.replace("{nonce}", nonce)
        nonces.add(nonce)
    assert len(nonces) == 3
    assert all(len(nonce) >= 22 for nonce in nonces), "128 bits in base64"


@pytest.mark.parametrize("path", ["/plain", "/nowhere"])
def test_an_answer_whose_page_has_no_nonce_allows_none(pages, profile, path):
    profile(content_policy=POLICY)
    assert answered(pages, path)[0]["Content-Security-Policy"] == "script-src 'self'; object-src 'none'"


def test_a_refusal_before_there_is_a_request_has_a_policy_without_nonce(profile):
    profile(content_policy=POLICY, request_ids=True)
    fields = fields_of(plain_response(400, b"text/plain", b"no"))
    assert fields["Content-Security-Policy"] == "script-src 'self'; object-src 'none'"
    assert "X-Request-ID" not in fields


def test_an_answer_tells_its_requests_id_if_that_is_asked_for(pages, profile):
    profile(request_ids=True)
    assert answered(pages, "/plain", "X-Request-ID: 7f-a.b_c")[0]["X-Request-ID"] == "7f-a.b_c"
    made = [answered(pages, "/plain", "X-Request-ID: not plain")[0]["X-Request-ID"] for _ in range(2)]
    assert "not plain" != made[0] != made[1]
    profile()
    assert "X-Request-ID" not in answered(pages, "/plain", "X-Request-ID: 7f-a.b_c")[0]


def test_the_log_and_the_answer_name_a_request_alike(profile, noted):
    profile(request_ids=True)
    request = Request.from_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert f"X-Request-ID: {noted(request=request)['id']}\r\n" in serialize(Response("x"), request)[0].decode()


def test_what_the_application_says_of_policy_and_id_is_said_once(pages, profile):
    profile(content_policy=POLICY, request_ids=True)
    fields, _ = answered(pages, "/own")
    assert (fields["Content-Security-Policy"], fields["X-Request-ID"]) == ("default-src 'none'", "mine")


def test_a_field_that_cannot_be_made_is_left_out(profile, kolben_logger):
    kolben_logger.propagate = True
    set_house_fields([("X-Broken", lambda _: 1 / 0), ("X-Split", lambda _: "a\r\nb"), ("X-Whole", lambda _: "yes")])
    for response in (plain_response(200, b"text/plain", b""), Response("")):
        fields = fields_of(response)
        assert fields["X-Whole"] == "yes"
        assert not {"X-Broken", "X-Split"} & set(fields)


def test_without_a_profile_nothing_is_added():
    assert set(fields_of(Response("x"))) == {"Content-Type", "Content-Length", "Date", "Server"}

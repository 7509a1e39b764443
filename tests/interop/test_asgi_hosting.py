"""Somebody else's ASGI application behind our server, looked at through a socket."""

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest
from tests.server.conftest import SOON, serve  # noqa: F401 - a fixture
from tests.waiting import until

from kolben.interop._asgi import ASGIHandler
from kolben.interop.asgi import HostedLifespan

TEXT = [(b"content-type", b"text/plain")]


def answer(body=b"ok", status=200, headers=TEXT):
    """The two messages of a short answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}, {"type": "http.response.body", "body": body}


@pytest.fixture
def host(serve):  # noqa: F811 - the fixture
    """host(application) gives a peer that is connected to it."""
    return lambda application: serve(ASGIHandler(application)).connect()


def get(peer, path="/", *fields, method="GET"):
    peer.get(path, *fields, method=method)
    return peer.answer(head_only=method == "HEAD")


def test_the_scope_says_what_was_asked(host):
    """ASGI 3, HTTP 2.5: path decoded, the rest as bytes, names of fields in lower case."""
    seen = {}

    async def application(scope, receive, send):
        seen.update(scope)
        for message in answer():
            await send(message)

    peer = host(application)
    assert get(peer, "/a%20b/%C3%A9?x=%20", "X-Two: 1", "X-TWO: 2").body == b"ok"
    assert seen["type"] == "http"
    assert seen["asgi"]["version"] == "3.0"
    assert (seen["http_version"], seen["method"], seen["scheme"]) == ("1.1", "GET", "http")
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a b/é", b"/a%20b/%C3%A9", b"x=%20")
    assert seen["root_path"] == ""
    assert seen["headers"] == [(b"host", b"a"), (b"x-two", b"1"), (b"x-two", b"2")]
    assert seen["client"] == peer.socket.getsockname()
    assert seen["server"] == peer.socket.getpeername()


def test_an_answer_in_one_step_has_its_length(host):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-a", b"1"), (b"x-a", b"2")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    reply = get(host(application))
    assert (reply.status, reply.body, reply.headers["content-length"]) == (201, b"ab", "2")


@pytest.mark.parametrize("length", [0, 5, 70_000, 300_000])
def test_a_body_comes_whole_in_whatever_pieces(host, length):
    """Short ones at once, long ones while they come."""

    async def application(scope, receive, send):
        size = 0
        while True:
            message = await receive()
            size += len(message["body"])
            if not message["more_body"]:
                break
        for message in answer(b"%d" % size):
            await send(message)

    peer = host(application)
    peer.post("/", b"x" * length)
    assert peer.answer().body == b"%d" % length


def test_a_chunked_body_is_read_while_it_comes(host):
    async def application(scope, receive, send):
        first = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": TEXT})
        await send({"type": "http.response.body", "body": first["body"], "more_body": True})
        second = await receive()
        await send({"type": "http.response.body", "body": second["body"]})

    peer = host(application)
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
    peer.until(b"\r\n\r\n")
    assert peer.until(b"\r\n") == b"3"
    assert peer.exactly(5) == b"one\r\n"  # before the second piece was sent
    peer.send("3\r\ntwo\r\n0\r\n\r\n")
    assert peer.chunks() == b"two"


def test_a_stream_waits_for_a_peer_that_reads_slowly(serve):  # noqa: F811 - the fixture
    """`send` waits while more than limits.output waits to be sent."""
    sent = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": TEXT})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            sent.append(True)
        await send({"type": "http.response.body"})

    running = serve(ASGIHandler(application))
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    peer.until(b"\r\n\r\n")
    running.settle()
    assert len(sent) < 150, "nothing waited"
    peer.widen()
    assert len(peer.chunks()) == 200 * 65536


def test_the_answer_does_not_wait_for_what_runs_behind_it(host):
    """Background work of an application goes on after its answer, in the same task."""
    may_end, seen = asyncio.Event(), []
    loop = []

    async def application(scope, receive, send):
        loop[:] = [asyncio.get_running_loop()]
        task = asyncio.current_task()
        for message in answer():
            await send(message)
        if scope["path"] == "/slow":
            await may_end.wait()
            seen.append(asyncio.current_task() is task)
            done.set()

    done = threading.Event()
    peer = host(application)
    assert get(peer, "/slow").body == b"ok"
    assert get(peer, "/next").body == b"ok"
    assert seen == []
    loop[0].call_soon_threadsafe(may_end.set)
    assert done.wait(SOON)
    assert seen == [True]


def test_a_task_group_may_send_from_its_children(host):
    """anyio's scopes hold: the application is one task from its first step to its last."""

    async def application(scope, receive, send):
        async def reply():
            await anyio.lowlevel.checkpoint()
            await send({"type": "http.response.start", "status": 200, "headers": TEXT})
            for piece in (b"a", b"b"):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await anyio.lowlevel.checkpoint()
            await send({"type": "http.response.body"})

        async with anyio.create_task_group() as group:
            group.start_soon(reply)

    peer = host(application)
    assert get(peer).body == b"ab"
    assert get(peer).body == b"ab"


def test_receive_tells_of_the_end_when_the_answer_is_complete(host):
    kinds = []

    async def application(scope, receive, send):
        kinds.append((await receive())["type"])
        watcher = asyncio.create_task(receive())
        await asyncio.sleep(0)
        for message in answer():
            await send(message)
        kinds.append((await watcher)["type"])
        kinds.append((await receive())["type"])
        done.set()

    done = threading.Event()
    assert get(host(application)).body == b"ok"
    assert done.wait(SOON)
    assert kinds == ["http.request", "http.disconnect", "http.disconnect"]


def test_a_peer_that_leaves_a_stream_is_told_by_receive_and_by_send(host):
    """send raises an OSError (ASGI, HTTP 2.4)."""
    seen = []

    async def application(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": TEXT})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        seen.append((await receive())["type"])
        try:
            await send({"type": "http.response.body", "body": b"y"})
        except OSError as error:
            seen.append(type(error))
        done.set()

    done = threading.Event()
    peer = host(application)
    peer.get("/")
    peer.until(b"x")
    peer.reset()
    assert done.wait(SOON)
    assert seen == ["http.disconnect", ConnectionResetError]


def test_head_and_204_have_no_body(host):
    async def application(scope, receive, send):
        status = 204 if scope["path"] == "/204" else 200
        for message in answer(b"text" if scope["method"] == "HEAD" else b"", status, [*TEXT, (b"content-length", b"4")]):
            await send(message)

    peer = host(application)
    assert get(peer, method="HEAD").headers["content-length"] == "4"
    assert get(peer, "/204").status == 204
    assert get(peer, method="HEAD").status == 200


@pytest.mark.parametrize("fault", ["raises", "says nothing", "no end", "unknown message"])
def test_a_broken_application_is_a_500(host, caplog, fault):
    """Nothing half made is sent."""

    async def application(scope, receive, send):
        if fault == "raises":
            raise ValueError("broken")
        if fault == "no end":
            await send({"type": "http.response.start", "status": 200})
        if fault == "unknown message":
            await send({"type": "http.response.nonsense"})

    peer = host(application)
    assert get(peer).status == 500
    assert get(peer).status == 500
    assert "Error in application" in caplog.text


def test_a_stream_that_breaks_off_is_cut(host, caplog):
    """What is not whole must not look so."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": TEXT})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0)
        raise ValueError("broken")

    peer = host(application)
    peer.get("/")
    assert peer.is_reset()
    until(lambda: "after its answer began" in caplog.text)  # the peer may see the end before the log has it


def test_a_body_that_is_too_long_is_a_413(serve):  # noqa: F811 - the fixture
    async def application(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    peer = serve(ASGIHandler(application), limits={"body": 100_000}).connect()
    peer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1ffff\r\n" + "x" * 0x1FFFF)
    assert peer.answer().status == 413


class TestLifespan:
    def run(self, serve, application):  # noqa: F811 - the fixture
        return serve(ASGIHandler(application, HostedLifespan(application)))

    def test_an_application_starts_before_the_first_request_and_leaves_state(self, serve):  # noqa: F811 - the fixture
        order = []

        async def application(scope, receive, send):
            if scope["type"] == "lifespan":
                order.append((await receive())["type"])
                scope["state"]["a"] = 1
                await send({"type": "lifespan.startup.complete"})
                order.append((await receive())["type"])
                await send({"type": "lifespan.shutdown.complete"})
                return
            order.append(scope["state"])
            for message in answer():
                await send(message)

        running = self.run(serve, application)
        assert running.get("/").body == b"ok"
        running.stop()
        assert order == ["lifespan.startup", {"a": 1}, "lifespan.shutdown"]

    def test_one_that_does_not_speak_of_it_is_served_all_the_same(self, serve):  # noqa: F811 - the fixture
        async def application(scope, receive, send):
            assert scope["type"] == "http"
            for message in answer():
                await send(message)

        assert self.run(serve, application).get("/").body == b"ok"

    def test_one_that_cannot_start_is_not_served(self, serve):  # noqa: F811 - the fixture
        async def application(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no database"})

        running = self.run(serve, application)
        running.thread.join(SOON)
        assert str(running.failure) == "no database"
        running.failure = None


def test_a_peer_that_leaves_before_the_answer_is_told_not_cancelled(host):
    """ASGI leaves it to the application what to do then."""
    seen, waits, done = [], threading.Event(), threading.Event()

    async def application(scope, receive, send):
        await receive()
        waits.set()
        seen.append((await receive())["type"])
        try:
            await send(answer()[0])
        except OSError as error:
            seen.append(type(error))
        done.set()

    peer = host(application)
    peer.get("/")
    assert waits.wait(SOON)
    peer.reset()
    assert done.wait(SOON)
    assert seen == ["http.disconnect", ConnectionResetError]


def test_a_deadline_cancels_an_application(serve, caplog):  # noqa: F811 - the fixture
    """timeouts.view: 504, and the application's own cleaning up is waited for."""
    seen = []

    async def application(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    running = serve(ASGIHandler(application), timeouts={"view": 0.05})
    assert running.get("/").status == 504
    assert seen == ["cleaned up"]

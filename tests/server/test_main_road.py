"""Requests and answers: order, keep-alive, pipelining, in every way that a plan can run."""

import asyncio
import threading

import pytest

from kolben.http import Response

from .conftest import INLINE, SOON, TASK, THREAD, View


def hello(_):
    return "hello"


async def hello_async(_):
    return "hello"


async def hello_later(_):
    await asyncio.sleep(0)
    return "hello"


WAYS = {
    "/inline": View(hello),
    "/thread": View(hello, mode=THREAD),
    "/task": View(hello_async),
    "/later": View(hello_later),
    "/stream": View(lambda _: Response(iter(["he", "llo"])), mode=THREAD),
    "/inline-stream": View(lambda _: Response(iter(["he", "llo"]))),
}


async def pieces(*texts):
    for text in texts:
        yield text


async def pieces_later(*texts):
    for text in texts:
        await asyncio.sleep(0)
        yield text


async def stream_at_once(_):
    return Response(pieces("he", "llo"))


async def stream_later(_):
    return Response(pieces_later("he", "llo"))


WAYS["/async-stream"] = View(stream_at_once)
WAYS["/async-stream-later"] = View(stream_later)


@pytest.mark.parametrize("path", WAYS)
def test_a_request_is_answered_and_its_connection_kept(serve, path):
    peer = serve(WAYS).connect()
    for _ in range(3):
        peer.get(path)
        answer = peer.answer()
        assert (answer.status, answer.body) == (200, b"hello")
        assert "connection" not in answer.headers


@pytest.mark.parametrize("cut", [0, 1, 7, 30, 55, 90])
def test_pipelined_requests_are_answered_in_their_order_however_they_run(serve, cut):
    """RFC 9112, section 9.3.2.  Each waits for the answer before it, wherever the bytes are cut."""
    peer = serve({path: View(lambda r, v=view: respond_with_path(r, v), mode=view.mode) for path, view in WAYS.items()} | ASYNC).connect()
    order = ["/thread", "/inline", "/task", "/later", "/inline", "/stream", "/thread", "/async-stream", "/inline-stream", "/inline"] * 3
    data = b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode() for path in order)
    peer.send(data[:cut])
    peer.send(data[cut:])
    assert [peer.answer().body.decode() for _ in order] == order


def respond_with_path(request, view):
    del view
    if "stream" in request.path:
        return Response(iter([request.path[:3], request.path[3:]]))
    return request.path


async def path_of(request):
    return request.path


async def path_later(request):
    await asyncio.sleep(0.001)
    return request.path


async def path_streamed(request):
    return Response(pieces(request.path[:4], request.path[4:]))


ASYNC = {
    "/task": View(path_of),
    "/later": View(path_later),
    "/async-stream": View(path_streamed),
    "/async-stream-later": View(path_streamed),
}


def test_a_slow_view_in_a_thread_holds_back_its_own_connection_only(serve):
    go = threading.Event()

    def slow(_):
        assert go.wait(SOON)
        return "slow"

    running = serve({"/slow": View(slow, mode=THREAD), "/": View(hello)})
    first, second = running.connect(), running.connect()
    first.get("/slow")
    first.get("/")
    second.get("/")
    assert second.answer().body == b"hello"
    go.set()
    assert [first.answer().body, first.answer().body] == [b"slow", b"hello"]


def test_thousands_of_pipelined_requests_leave_others_their_turn(serve):
    """One connection takes REQUESTS_PER_STEP requests, then the others' events come first."""
    order = []

    def note(request):
        order.append(request.query_string)
        return ""

    running = serve({"/": View(note)})
    flood, other = running.connect(), running.connect()
    running.settle()

    def send_both():
        flood.send(b"GET /?flood HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        other.get("/?other")

    running.call(send_both)  # while the server is in a turn: both wait in the kernel when the next begins
    for _ in range(1000):
        assert flood.answer().status == 200
    assert other.answer().status == 200
    assert order.index(b"other") <= 128


def test_the_connection_ends_after_its_last_allowed_request(serve):
    peer = serve({"/": View(hello)}, limits={"requests_per_connection": 2}).connect()
    peer.get("/")
    assert "connection" not in peer.answer().headers
    peer.get("/")
    assert peer.answer().headers["connection"] == "close"
    assert peer.is_ended()


def test_requests_that_were_pipelined_past_the_limit_are_still_answered(serve):
    """They are here already: to drop them would cost the peer more than us."""
    peer = serve({"/": View(hello)}, limits={"requests_per_connection": 2}).connect()
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
    answers = [peer.answer() for _ in range(5)]
    assert [answer.headers.get("connection") for answer in answers] == [None, None, None, None, "close"]
    assert peer.is_ended()


@pytest.mark.parametrize("path", WAYS)
def test_head_is_answered_like_get_without_the_body(serve, path):
    """RFC 9110, section 9.3.2; a lazy body is not iterated over, but closed."""
    peer = serve(WAYS).connect()
    peer.get(path, method="HEAD")
    assert peer.answer(head_only=True).status == 200
    peer.get(path)
    assert peer.answer().body == b"hello"


def test_ten_megabytes_arrive_whole_at_a_peer_that_reads_late(serve):
    body = bytes(range(256)) * 40960
    running = serve({"/": View(lambda _: body)})
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    peer.get("/")
    running.settle()
    peer.widen()
    assert peer.answer().body == body
    assert peer.answer().body == body


def test_requests_wait_while_an_answer_waits_to_be_taken(serve):
    """Nothing is run for a peer that does not read; everything is when it does."""
    count = []

    def large(_):
        count.append(1)
        return b"x" * 6_000_000

    running = serve({"/": View(large)})
    peer = running.connect(receive_buffer=4096)
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
    running.settle()
    assert len(count) == 1
    peer.widen()
    assert [len(peer.answer().body) for _ in range(4)] == [6_000_000] * 4


def test_a_body_that_is_being_read_goes_on_while_an_answer_waits_to_be_taken(serve):
    running = serve({"/": View(lambda _: b"x" * 4_000_000), "/echo": View(lambda request: request.get_data())})
    peer = running.connect(receive_buffer=4096)
    peer.get("/")
    peer.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n1234")
    running.settle()
    peer.send(b"5678")
    assert len(peer.answer().body) == 4_000_000
    assert peer.answer().body == b"12345678"


@pytest.mark.parametrize("mode", [INLINE, THREAD])
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_a_view_raises_is_answered_with_500_and_logged(serve, caplog, mode, error):
    def broken(_):
        raise error("secret")

    peer = serve({"/": View(broken, mode=mode), "/hello": View(hello)}).connect()
    peer.get("/")
    peer.get("/hello")
    answer = peer.answer()
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert peer.answer().body == b"hello"
    assert "secret" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("waits", [False, True])
def test_whatever_a_task_raises_is_answered_and_the_loop_goes_on(serve, caplog, error, waits):
    """asyncio lets SystemExit through the loop; a server outlives it."""

    async def broken(_):
        if waits:
            await asyncio.sleep(0)
        raise error("secret")

    peer = serve({"/": View(broken), "/hello": View(hello_later)}).connect()
    peer.get("/")
    peer.get("/hello")
    assert peer.answer().status in ({503} if error is asyncio.CancelledError else {500})
    assert peer.answer().body == b"hello"
    del caplog


@pytest.mark.parametrize("mode", [INLINE, THREAD, TASK])
@pytest.mark.parametrize("result", [None, 7, object()])
def test_a_view_that_returns_no_response_is_answered_with_500(serve, mode, result):
    if mode == TASK:

        async def view(_):
            return result
    else:

        def view(_):
            return result

    peer = serve({"/": View(view, mode=mode), "/hello": View(hello)}).connect()
    peer.get("/")
    assert peer.answer().status == 500
    peer.get("/hello")
    assert peer.answer().body == b"hello"


def test_a_handler_that_raises_is_answered_with_500(serve, caplog):
    """It promised not to; a connection that is dropped without a word would help nobody to find the fault."""
    from kolben.http import Handler, Request

    class Broken(Handler):
        def __init__(self):
            self.request_class = Request

        def match(self, request):
            raise RuntimeError("broken promise")

    assert serve(Broken()).get("/").status == 500
    assert "broken promise" in caplog.text


def test_a_field_that_must_not_be_sent_becomes_500_and_the_connection_goes_on(serve):
    def split(_):
        response = Response("x")
        response.headers._list.append(("X-A", "b\r\nInjected: c"))
        return response

    peer = serve({"/": View(split), "/hello": View(hello)}).connect()
    peer.get("/")
    peer.get("/hello")
    answer = peer.answer()
    assert answer.status == 500
    assert "injected" not in answer.headers
    assert peer.answer().body == b"hello"


def test_a_sync_view_may_run_a_loop_of_its_own(serve):
    """No loop counts as running while inline views run (D3)."""

    async def inner():
        await asyncio.sleep(0)
        return "inner"

    def view(_):
        return asyncio.run(inner())

    peer = serve({"/": View(view), "/later": View(hello_later)}).connect()
    for _ in range(2):
        peer.get("/")
        peer.get("/later")
        assert [peer.answer().body, peer.answer().body] == [b"inner", b"hello"]


def test_an_async_view_runs_as_a_task_of_the_servers_loop(serve):
    seen = []

    async def view(_):
        seen.append((asyncio.current_task(), asyncio.get_running_loop()))
        await asyncio.sleep(0)
        seen.append((asyncio.current_task(), asyncio.get_running_loop()))
        return ""

    running = serve({"/": View(view)})
    assert running.get("/").status == 200
    assert seen[0] == seen[1]
    assert isinstance(seen[0][0], asyncio.Task)
    assert seen[0][1] is running.loop

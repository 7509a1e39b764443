"""Bodies that are read while they come: the view begins at the head, reads in a thread or a task, and may stop whenever it likes."""

import asyncio
import contextlib
import threading

import pytest
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, RequestEntityTooLarge, RequestTimeout

from kolben.http import Response
from kolben.http.incoming import IncomingBody

from .conftest import SOON, TASK, THREAD, View

PLACES = pytest.mark.parametrize("place", ["thread", "task"])
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DATA = bytes(range(256)) * 1200  # more than is held


def sized(n, *fields):
    return HEAD + b"".join(field + b"\r\n" for field in fields) + b"Content-Length: %d\r\n\r\n" % n


class Reader:
    """A view that reads its body by pieces, in a thread or as a task that is not cancelled, and what it saw."""

    def __init__(self, place, *, wait=False, reads=True):
        self.place, self.wait, self.reads = place, wait, reads
        self.pieces = []
        self.error = None
        self.begun, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    def view(self):
        if self.place == "task":
            return View(self.task, mode=TASK, streams_body=True, ignores_disconnect=True)
        return View(self.thread, mode=THREAD, streams_body=True)

    def answer(self, error):
        self.error = error and error.with_traceback(None)  # whose frames have the request
        self.done.set()
        return error.get_response() if isinstance(error, HTTPException) else Response(b"".join(self.pieces))

    def thread(self, request):
        self.begun.set()
        assert not self.wait or self.go.wait(SOON)
        try:
            while self.reads and (piece := request.stream.read1()):
                self.pieces.append(piece)
        except HTTPException as error:
            return self.answer(error)
        return self.answer(None)

    async def task(self, request):
        self.begun.set()
        if self.wait:
            assert await asyncio.to_thread(self.go.wait, SOON)
        try:
            if self.reads:
                async for piece in request.stream:
                    self.pieces.append(piece)
        except HTTPException as error:
            return self.answer(error)
        return self.answer(None)


@pytest.fixture
def begin(serve, place):
    """begin(head, wait=..., reads=...) sends a head; returns the server, the peer and the view."""

    def start(head, *, limits=(), timeouts=(), clock=None, **options):
        reader = Reader(place, **options)
        running = serve({"/": reader.view(), "/next": View(lambda _: "next")}, limits=limits, timeouts=timeouts, clock=clock)
        peer = running.connect()
        peer.send(head)
        return running, peer, reader

    return start


@PLACES
def test_the_view_begins_before_the_body_is_here_and_the_connection_goes_on_behind_it(begin):
    _, peer, reader = begin(sized(6))
    assert reader.begun.wait(SOON)
    peer.send(b"abc")
    peer.send(b"defGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert peer.answer().body == b"abcdef"
    assert peer.answer().body == b"next"


@PLACES
@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_a_body_that_is_larger_than_what_is_held_arrives_whole(begin, framing):
    _, peer, _ = begin(sized(len(DATA)) if framing == "sized" else CHUNKED)
    pieces = [DATA[i : i + 30_000] for i in range(0, len(DATA), 30_000)]
    for piece in pieces:
        peer.send(piece if framing == "sized" else b"%x\r\n%b\r\n" % (len(piece), piece))
    peer.send(b"" if framing == "sized" else b"0\r\n\r\n")
    assert peer.answer().body == DATA
    peer.get("/next")
    assert peer.answer().body == b"next"


@PLACES
@pytest.mark.parametrize("pieces", [[b""], [b"a"] * 3000], ids=["none", "tiny"])
def test_bodies_without_bytes_and_of_tiny_chunks_arrive(begin, pieces):
    _, peer, _ = begin(CHUNKED)
    peer.send(b"".join(b"1\r\n%b\r\n" % piece for piece in pieces if piece) + b"0\r\n\r\n")
    assert peer.answer().body == b"".join(pieces)


@PLACES
def test_a_request_without_a_body_has_one_that_is_at_its_end(begin):
    _, peer, _ = begin(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert peer.answer().body == b""
    peer.get("/next")
    assert peer.answer().body == b"next"


@PLACES
def test_the_peer_waits_while_the_view_does_not_read(begin):
    """At most `limits.body_memory` and one reading of the socket are held for a view."""
    _, peer, reader = begin(sized(50_000_000), wait=True, limits={"body": 0})
    assert reader.begun.wait(SOON)
    peer.socket.settimeout(0.2)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 50_000_000:
            sent += peer.socket.send(bytes(1 << 20))
    assert sent < 20_000_000, "what the kernel's buffers hold, no more"
    peer.close()
    reader.go.set()
    assert reader.done.wait(SOON)
    assert isinstance(reader.error, ClientDisconnected)


@PLACES
def test_100_is_sent_when_the_view_begins_to_read(begin):
    """RFC 9110, section 10.1.1."""
    running, peer, reader = begin(sized(3, b"Expect: 100-continue"), wait=True)
    assert reader.begun.wait(SOON)
    running.settle()
    peer.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.socket.recv(1)
    peer.socket.settimeout(SOON)
    reader.go.set()
    assert peer.answer().status == 100
    peer.send(b"abc")
    assert peer.answer().body == b"abc"


@PLACES
def test_a_view_that_reads_nothing_answers_at_once_and_ends_the_connection(begin):
    _, peer, _ = begin(sized(3, b"Expect: 100-continue"), reads=False)
    answer = peer.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    peer.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
    assert peer.is_ended()


@PLACES
def test_who_leaves_within_the_body_is_told_to_who_reads(begin):
    _, peer, reader = begin(sized(6) + b"abc")
    assert reader.begun.wait(SOON)
    peer.reset()
    assert reader.done.wait(SOON)
    assert isinstance(reader.error, ClientDisconnected)


@PLACES
def test_a_body_that_ends_early_is_not_taken_for_a_whole_one(begin):
    _, peer, reader = begin(sized(6) + b"abc")
    assert reader.begun.wait(SOON)
    peer.shut()
    assert reader.done.wait(SOON)
    assert isinstance(reader.error, ClientDisconnected)
    assert peer.is_ended()


@PLACES
def test_a_malformed_body_is_the_views_400_and_the_last_request(begin):
    """RFC 9112, section 7.1."""
    _, peer, reader = begin(CHUNKED + b"3\r\nabc\r\nx\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = peer.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert type(reader.error) is BadRequest
    assert peer.is_ended()


@PLACES
def test_a_body_beyond_the_limit_is_the_views_413(begin):
    _, peer, reader = begin(CHUNKED + b"6\r\nabcdef\r\n", limits={"body": 5})
    assert peer.answer().status == 413
    assert isinstance(reader.error, RequestEntityTooLarge)


@PLACES
def test_an_announced_length_beyond_the_limit_is_refused_before_the_view(begin):
    _, peer, reader = begin(sized(6), limits={"body": 5})
    assert peer.answer().status == 413
    assert not reader.begun.is_set()


@PLACES
def test_a_body_that_stops_coming_is_the_views_408(begin, clock):
    running, peer, reader = begin(sized(6) + b"abc", clock=clock, timeouts={"body": 20})
    assert reader.begun.wait(SOON)
    running.later(19)
    assert not reader.done.is_set()
    running.later(2)
    assert peer.answer().status == 408
    assert isinstance(reader.error, RequestTimeout)


@PLACES
def test_a_view_that_takes_its_time_is_not_the_peers_fault(begin, clock):
    running, peer, reader = begin(sized(len(DATA)), wait=True, clock=clock, timeouts={"body": 20})
    peer.send(DATA)
    assert reader.begun.wait(SOON)
    running.settle()
    for _ in range(10):
        running.later(10)
    reader.go.set()
    assert peer.answer().body == DATA


@PLACES
def test_a_stopping_server_waits_for_a_body_that_still_comes(begin):
    running, peer, reader = begin(sized(6) + b"abc")
    assert reader.begun.wait(SOON)
    running.server.stop()
    peer.send(b"def")
    answer = peer.answer()
    assert (answer.body, answer.headers["connection"]) == (b"abcdef", "close")


@PLACES
def test_a_server_that_is_cut_short_ends_who_reads(begin):
    running, _, reader = begin(sized(6) + b"abc", timeouts={"graceful": 0})
    assert reader.begun.wait(SOON)
    running.stop()
    if reader.place == "thread":  # a task is cancelled
        assert reader.done.wait(SOON)


def test_a_body_can_be_sent_back_while_it_comes(serve):
    def echo(request):
        return Response(iter(request.stream.read1, b""))

    peer = serve({"/": View(echo, mode=THREAD, streams_body=True)}).connect()
    peer.send(sized(len(DATA)))
    said = b""
    for i in range(0, len(DATA), 50_000):
        peer.send(DATA[i : i + 50_000])
    head = peer.until(b"\r\n\r\n")
    assert b"Connection: close" in head
    said = peer.chunks()
    assert said == DATA


def test_readers_count_as_streams_not_as_threads_of_the_pool(serve):
    """Clients that send slowly do not keep other views from their threads."""
    reader = Reader("thread")
    running = serve({"/": reader.view(), "/next": View(lambda _: "next", mode=THREAD)}, limits={"threads": 1, "stream_threads": 2})
    slow = [running.connect() for _ in range(3)]
    for peer in slow:
        peer.send(sized(6) + b"abc")
        running.settle()
    assert running.get("/next").body == b"next"
    assert slow[2].answer().status == 503


def test_waiting_on_the_loop_is_refused_with_what_to_write_instead(serve):
    said = []

    async def view(request):
        with pytest.raises(RuntimeError) as caught:
            request.stream.read()
        said.append(str(caught.value))
        return await request.stream.aread()

    peer = serve({"/": View(view, streams_body=True)}).connect()
    peer.send(sized(3))
    while not said:
        threading.Event().wait(0.001)
    peer.send(b"abc")
    assert peer.answer().body == b"abc"
    assert "await request.stream.aread()" in said[0]


def test_a_limit_of_the_request_acts_while_reading(serve):
    """`max_content_length`, where the length is not announced."""

    def view(request):
        request.max_content_length = 5
        try:
            return request.get_data()
        except HTTPException as error:
            return error.get_response()

    running = serve({"/": View(view, mode=THREAD, streams_body=True)})
    for body, status in [(b"abcde", 200), (b"abcdef", 413)]:
        peer = running.connect()
        peer.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert peer.answer().status == status
        peer = running.connect()
        peer.send(sized(len(body)) + body)
        assert peer.answer().status == status


def multipart():
    """A field and a file."""
    field = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    return field + b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + DATA + b"\r\n--b--\r\n"


def test_a_form_is_parsed_while_it_comes(serve):
    body = multipart()

    def view(request):
        with request:
            return request.form["a"].encode() + request.files["f"].read()

    peer = serve({"/": View(view, mode=THREAD, streams_body=True)}).connect()
    peer.send(sized(len(body), b"Content-Type: multipart/form-data; boundary=b") + body)
    assert peer.answer().body == b"1" + DATA


@pytest.mark.parametrize("streams", [True, False])
def test_an_async_view_has_a_form_parsed_in_a_thread(serve, streams):
    """Files are written to the disk there, and the loop serves others."""
    threads = []

    async def view(request):
        make = request._get_file_stream

        def make_file(*args, **options):
            threads.append(threading.current_thread())
            return make(*args, **options)

        request._get_file_stream = make_file
        await request.aload_form()
        try:
            return request.form["a"].encode() + request.files["f"].read()
        finally:
            del request._get_file_stream
            request.close()

    running = serve({"/": View(view, mode=TASK, streams_body=streams), "/other": View(lambda _: "other")})
    body = multipart()
    peer = running.connect()
    peer.send(sized(len(body), b"Content-Type: multipart/form-data; boundary=b") + body[:-100])
    assert running.get("/other").body == b"other"
    peer.send(body[-100:])
    assert peer.answer().body == b"1" + DATA
    assert len(threads) == 1
    assert threads[0] is not running.call(threading.current_thread)


# -- the body alone


def fed(*pieces, capacity=0):
    body = IncomingBody(capacity, lambda _: None)
    for piece in pieces:
        body.feed(piece)
    body.end()
    return body


FORM = HEAD + b"Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_form_with_too_many_parts_is_refused_before_the_rest_of_it_comes(serve):
    """`max_form_parts`: the peer does not get round to sending the others."""

    def view(request):
        request.max_form_parts = 3
        try:
            return str(len(request.form))
        except HTTPException as error:
            return error.get_response()

    peer = serve({"/": View(view, mode=THREAD, streams_body=True)}).connect()
    peer.send(FORM)
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    peer.send(b"%x\r\n%b\r\n" % (len(part * 2000), part * 2000))
    assert peer.answer().status == 413


def test_a_field_that_is_too_long_is_refused_before_the_rest_of_it_comes(serve):
    """`max_form_memory_size`."""

    def view(request):
        request.max_form_memory_size = 1000
        try:
            return str(len(request.form))
        except HTTPException as error:
            return error.get_response()

    peer = serve({"/": View(view, mode=THREAD, streams_body=True)}).connect()
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"1" * 100_000
    peer.send(FORM + b"%x\r\n%b\r\n" % (len(part), part))
    assert peer.answer().status == 413


def test_it_reads_as_a_file():
    assert fed(b"ab", b"cd").read() == b"abcd"
    body = fed(b"ab", b"cd", b"ef")
    assert [body.read(3), body.read(0), body.read1(9), body.read(9), body.read(1), body.read1()] == [b"abc", b"", b"d", b"ef", b"", b""]
    assert list(fed(b"a\nb", b"c\n\nd")) == [b"a\n", b"bc\n", b"\n", b"d"]
    assert fed(b"x" * 2000 + b"\ny").readline() == b"x" * 2000 + b"\n"
    target = bytearray(3)
    assert (fed(b"ab", b"cd").readinto(target), target) == (3, b"abc")


def test_what_came_before_a_failure_is_read_first():
    body = IncomingBody(0, lambda _: None)
    body.feed(b"ab")
    body.fail(ClientDisconnected())
    assert body.read(2) == b"ab"
    with pytest.raises(ClientDisconnected):
        body.read(1)


def test_it_asks_for_more_when_half_of_what_it_holds_was_read():
    wanted = []
    body = IncomingBody(1000, wanted.append)
    assert body.feed(b"x" * 900)
    assert not body.feed(b"y" * 900)
    assert body.read(900) == b"x" * 900
    assert wanted == [body], "reading has begun; half is not read yet"
    body.read(500)
    assert wanted == [body, body]


def test_pieces_cost_more_than_their_bytes():
    body = IncomingBody(1000, lambda _: None)
    assert any(not body.feed(b"x") for _ in range(20))


def test_a_task_reads_so_many_bytes():
    async def main():
        body = IncomingBody(0, lambda _: None)
        task = asyncio.create_task(body.aread(3))
        await asyncio.sleep(0)
        body.feed(b"ab")
        await asyncio.sleep(0)
        body.feed(b"cd")
        body.end()
        return await task, await body.aread(), await body.aread()

    assert asyncio.run(main()) == (b"abc", b"d", b"")

"""Request bodies: whole before the view, spooled when large, refused when too large, announced by 100."""

import threading

import pytest

from kolben.http import Response
from kolben.server import bodies

from .conftest import SOON, THREAD, Peer, View

DATA = bytes(range(256)) * 2000  # 512 kB


def echo(request):
    return request.get_data()


def method(request):
    return request.method


VIEWS = {"/echo": View(echo), "/thread": View(echo, mode=THREAD), "/": View(method), "/early": View(method, needs_body=False)}
FRAMINGS = pytest.mark.parametrize("chunked", [False, True])


def message(path, body, chunked, *fields, piece=10_000):
    head = [f"POST {path} HTTP/1.1", "Host: a", *fields]
    if not chunked:
        return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
    pieces = [body[i : i + piece] for i in range(0, len(body), piece)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"
    return "\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode() + coded


@FRAMINGS
@pytest.mark.parametrize("path", ["/echo", "/thread"])
@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 131072, 131073, len(DATA)])
def test_a_body_arrives_whole_in_memory_or_in_a_file(serve, size, path, chunked):
    peer = serve(VIEWS).connect()
    peer.send(message(path, DATA[:size], chunked) * 2)
    assert peer.answer().body == DATA[:size]
    assert peer.answer().body == DATA[:size]


@pytest.mark.parametrize("cuts", [(1, 2), (40_000,), (65_536, 65_537), (99_999,), (3, 100_000), (16_000, 16_384), (16_384, 99_998)])
def test_a_body_does_not_depend_on_where_it_was_cut(serve, cuts):
    """Each piece is here before the next is sent; with the last come the next request and its body."""
    body, taken = DATA[:100_000], []
    views = {"/echo": View(echo), "/taken": View(lambda request: taken.append(len(request.get_data())) or "taken")}
    running = serve(views)
    peer = running.connect()
    whole = message("/echo", body, chunked=False)
    start = len(whole) - len(body)
    sent = 0
    for cut in cuts:
        peer.send(whole[sent : start + cut])
        sent = start + cut
        running.settle()
    peer.send(whole[sent:] + message("/taken", DATA[:300], chunked=False))
    assert peer.answer().body == body
    assert peer.answer().body == b"taken"
    assert taken == [300]


def test_a_body_that_breaks_off_leaves_nothing(serve):
    running = serve(VIEWS)
    for end in (Peer.close, Peer.reset):
        peer = running.connect()
        peer.send(message("/echo", DATA[:100_000], chunked=False)[:50_000])
        running.settle()
        end(peer)
    assert running.get("/").body == b"GET"


@FRAMINGS
def test_a_body_of_tiny_chunks_arrives_whole(serve, chunked):
    peer = serve(VIEWS).connect()
    peer.send(message("/echo", DATA[:9000], chunked, piece=1))
    assert peer.answer().body == DATA[:9000]


@FRAMINGS
def test_a_body_beyond_the_limit_is_refused_and_ends_the_connection(serve, chunked):
    peer = serve(VIEWS, limits={"body": 1000}).connect()
    peer.send(message("/echo", DATA[:1001], chunked) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = peer.answer()
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert peer.is_ended()


@FRAMINGS
def test_a_body_at_the_limit_is_taken(serve, chunked):
    peer = serve(VIEWS, limits={"body": 1000}).connect()
    peer.send(message("/echo", DATA[:1000], chunked))
    assert peer.answer().body == DATA[:1000]


def test_100_is_sent_when_the_body_is_waited_for(serve):
    """RFC 9110, section 10.1.1."""
    peer = serve(VIEWS).connect()
    for _ in range(2):
        peer.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert peer.answer().status == 100
        peer.send(b"abc")
        assert peer.answer().body == b"abc"


def test_100_comes_after_the_answers_before_it(serve):
    peer = serve(VIEWS).connect()
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /thread HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert peer.answer().body == b"GET"
    assert peer.answer().status == 100
    peer.send(b"abc")
    assert peer.answer().body == b"abc"


def test_100_is_not_sent_when_the_body_is_here_or_not_wanted(serve):
    peer = serve(VIEWS).connect()
    peer.send(message("/echo", b"abc", False, "Expect: 100-continue"))
    assert peer.answer().body == b"abc"
    peer.send(b"POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    answer = peer.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert peer.is_ended()


@FRAMINGS
def test_what_follows_a_body_that_was_not_read_is_no_request(serve, chunked):
    peer = serve(VIEWS).connect()
    peer.send(message("/early", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" * 5000, chunked))
    assert peer.answer().body == b"POST"
    assert peer.is_ended()


def test_a_peer_that_leaves_within_a_spooled_body_leaves_no_file(serve):
    running = serve(VIEWS)
    for _ in range(4):
        peer = running.connect()
        peer.send(message("/echo", DATA, False)[:300_000])
        running.settle()
        peer.reset()
    for _ in range(3):
        peer = running.connect()
        peer.send(message("/echo", DATA, True)[:300_000])
        peer.shut()
        assert peer.is_ended()


class Stalled(bodies.Spool):
    """A disk that takes its time."""

    begun, go = threading.Event(), threading.Event()

    def write(self, chunks):
        self.begun.set()
        assert self.go.wait(SOON)
        return super().write(chunks)


@pytest.fixture
def stalled(monkeypatch):
    from kolben.server import _body

    Stalled.begun.clear()
    Stalled.go.clear()
    monkeypatch.setattr(_body, "Spool", Stalled)
    return Stalled


def test_a_body_has_its_deadline_again_after_a_slow_disk(serve, clock, stalled):
    running = serve(VIEWS, clock=clock, timeouts={"body": 20, "body_grace": 0})
    peer = running.connect()
    peer.send(message("/echo", DATA, False)[:300_000])
    assert stalled.begun.wait(SOON)
    running.later(100)
    stalled.go.set()
    while not peer.has_bytes(0.01):  # the deadline begins when the disk's thread has told
        running.later(4)
    assert peer.answer().status == 408


def test_a_server_that_stops_while_a_disk_is_slow_leaves_nothing(serve, stalled):
    running = serve(VIEWS, timeouts={"graceful": 0})
    peer = running.connect()
    peer.send(message("/echo", DATA, False)[:300_000])
    assert stalled.begun.wait(SOON)
    running.stop()
    stalled.go.set()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("something else")])
def test_a_body_for_which_there_is_no_room_is_refused(serve, monkeypatch, error):
    def full(self, chunks):
        raise type(error)(*error.args)  # a new one: its traceback has the connection

    monkeypatch.setattr(bodies.Spool, "write", full)
    peer = serve(VIEWS).connect()
    peer.send(message("/echo", DATA, False)[:300_000])
    assert peer.answer().status == 507


def test_a_failing_disk_is_told_by_the_spool(monkeypatch):
    spool = bodies.Spool(bodies.SpoolQuota(0))
    assert spool.write([b"a", bytearray(b"b")]) is None
    assert spool.finish([b"c"]) is None
    assert spool.file.read() == b"abc"
    spool.close()
    spool.close()
    monkeypatch.setattr(bodies.tempfile, "tempdir", "/nowhere")
    assert isinstance(spool.write([b"d"]), OSError)


def test_no_more_requests_wait_for_a_thread_than_the_limit(serve):
    begun, go = threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        assert go.wait(SOON)
        return Response("slow")

    running = serve({"/": View(slow, mode=THREAD)}, limits={"threads": 1, "queue": 2})
    peers = [running.connect() for _ in range(5)]
    for peer in peers:
        peer.get("/")
        running.settle()
        assert begun.wait(SOON)
    refused = [peer for peer in peers[3:] if peer.answer().status == 503]
    assert refused == peers[3:]
    go.set()
    assert [peer.answer().body for peer in peers[:3]] == [b"slow"] * 3


@FRAMINGS
def test_a_body_that_never_fits_the_quota_is_413_and_one_that_does_not_fit_now_is_507(serve, chunked):
    """RFC 9110, section 15.5.14; RFC 4918, section 11.5.  Room is given back with the file."""
    running = serve(VIEWS, limits={"spool": 400_000, "body_memory": 65536})
    holder = running.connect()
    holder.send(message("/echo", DATA[:300_000], False)[:299_000])  # but for less than `body_memory`, on the disk whatever a read takes
    while running.engine.spool_quota.used <= 200_000:
        running.settle()
    for size, status in [(200_000, 507), (60_000, 200)]:
        peer = running.connect()
        peer.send(message("/echo", DATA[:size], chunked))
        assert peer.answer().status == status
        peer.close()
    holder.reset()
    while running.engine.spool_quota.used:
        running.settle()
    for size, status in [(400_001 + 10_000 * chunked, 413), (200_000, 200)]:
        peer = running.connect()
        peer.send(message("/echo", DATA[:size], chunked))
        assert peer.answer().status == status


def test_what_is_announced_takes_no_room_before_it_comes(serve):
    running = serve(VIEWS, limits={"spool": 400_000})
    peers = [running.connect() for _ in range(3)]
    for peer in peers:
        peer.send(message("/echo", DATA[:300_000], False)[:100])
    running.settle()
    assert running.engine.spool_quota.used == 0


@pytest.mark.parametrize("size", [0, 10, 200_000])
def test_an_async_view_may_read_a_body_that_is_here_as_one_that_comes(serve, size):
    """In memory or in a file: whether its route has stream=True, the code is the same."""

    async def pieces(request):
        return b"".join([piece async for piece in request.stream])

    async def at_once(request):
        return await request.stream.aread(3) + await request.stream.aread()

    running = serve({"/pieces": View(pieces), "/once": View(at_once), "/plain": View(plainly)})
    peer = running.connect()
    data = bytes(range(250)) * (size // 250) + b"x" * (size % 250)
    for path in ("/pieces", "/once", "/plain"):
        peer.post(path, data)
        assert peer.answer().body == data


async def plainly(request):
    return request.get_data()

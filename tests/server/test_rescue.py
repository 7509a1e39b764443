"""An inline view that blocks: the watchdog serves the others, and the late call ends as one of the pool.

The clock stands still until a test moves it, so nothing is rescued that a test does not want rescued.
"""

import asyncio
import logging
import threading
import time
from queue import SimpleQueue

import pytest
from tests.waiting import until

from kolben.base._alive import alive
from kolben.http import Response
from kolben.server import watchdog

from .conftest import INLINE, SOON, THREAD, View


class Gate:
    """A view that blocks until it is opened, and tells when it is entered."""

    def __init__(self, result="late"):
        self.entered, self.opened = threading.Event(), threading.Event()
        self.result = result
        self.threads = []

    def __call__(self, request):
        self.threads.append(threading.get_ident())
        self.entered.set()
        assert self.opened.wait(SOON)
        return self.result

    __name__ = "gate"


def hello(request):
    return "hello"


def thread_name(request):
    return threading.current_thread().name


def blocked(running, clock, gate, path="/gate"):
    """A peer whose request runs, late, in the loop's thread."""
    peer = running.connect()
    peer.get(path)
    assert gate.entered.wait(SOON)
    clock.now += 10
    return peer


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.opened.set()


def test_others_are_served_while_a_view_blocks(serve, clock, gate):
    """In the pool, whatever they are pinned to; the late call's answer comes when it has ended."""
    running = serve({"/gate": View(gate), "/": View(thread_name), "/thread": View(thread_name, mode=THREAD)}, clock=clock)
    before = running.connect()
    before.get("/")
    assert before.answer().body == b"serves"
    late = blocked(running, clock, gate)
    before.get("/")
    assert before.answer().body.startswith(b"kolben-")
    assert running.get("/thread").body.startswith(b"kolben-")
    gate.opened.set()
    assert late.answer().body == b"late"
    late.get("/")
    assert late.answer().body == b"serves"


def test_a_lease_is_counted_while_the_watchdog_has_it(serve, clock, gate):
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    late = blocked(running, clock, gate)
    assert running.get("/").body == b"hello"
    assert alive()["leases"] == 1
    gate.opened.set()
    assert late.answer().body == b"late"
    assert alive()["leases"] == 0


def test_others_are_served_while_a_view_computes(serve, clock):
    """It keeps the interpreter busy, and has to share it."""
    served = threading.Event()

    def spin(request):
        clock.now += 10
        deadline = time.monotonic() + SOON
        while not served.is_set() and time.monotonic() < deadline:
            pass
        return str(served.is_set())

    running = serve({"/spin": View(spin), "/": View(hello)}, clock=clock)
    peer = running.connect()
    peer.get("/spin")
    assert running.get("/").body == b"hello"
    served.set()
    assert peer.answer().body == b"True"


def test_others_are_served_while_four_threads_of_the_pool_compute(serve):
    served = threading.Event()

    def spin(request):
        deadline = time.monotonic() + SOON
        while not served.is_set() and time.monotonic() < deadline:
            pass
        return str(served.is_set())

    running = serve({"/spin": View(spin, mode=THREAD), "/": View(hello), "/thread": View(hello, mode=THREAD)})
    peers = [running.connect() for _ in range(4)]
    for peer in peers:
        peer.get("/spin")
    assert [running.get(path).body for path in ["/", "/thread"] * 5] == [b"hello"] * 10
    served.set()
    assert [peer.answer().body for peer in peers] == [b"True"] * 4


def test_forty_streams_that_are_held_open_stop_nobody(serve):
    """As many as the pool has threads."""
    go = threading.Event()

    def pieces():
        yield "a"
        assert go.wait(SOON)

    running = serve({"/stream": View(lambda _: Response(pieces()), mode=THREAD), "/": View(hello, mode=THREAD)})
    peers = [running.connect() for _ in range(40)]
    for peer in peers:
        peer.get("/stream")
        peer.until(b"a\r\n")
    assert running.get("/").body == b"hello"
    go.set()
    for peer in peers:
        peer.until(b"0\r\n\r\n")


def test_nothing_is_rescued_before_its_time(serve, clock, gate):
    view = View(gate)
    running = serve({"/gate": view}, clock=clock)
    peer = running.connect()
    peer.get("/gate")
    assert gate.entered.wait(SOON)
    clock.now += 9
    assert not running.server.reactor.rescue(lambda name: None)
    gate.opened.set()
    assert peer.answer().body == b"late"
    assert view.record.rescued == 0


def test_requests_behind_a_late_call_wait_for_it_and_those_before_it_do_not(serve, clock, gate):
    """One connection: its bytes stay whole and in order, though another thread reads meanwhile."""
    running = serve({"/gate": View(gate), "/": View(lambda request: request.query_string)}, clock=clock)
    peer = running.connect()
    peer.send("".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in ["/?1", "/?2", "/gate", "/?3", "/?4"]))
    assert gate.entered.wait(SOON)
    clock.now += 10
    assert [peer.answer().body, peer.answer().body] == [b"1", b"2"]
    for number in range(20):  # they use the buffer in which the requests behind it were read
        assert running.get(f"/?{number}" + "x" * 1000).body == b"%d" % number + b"x" * 1000
    peer.send("GET /?5 HTTP/1.1\r\nHost: a\r\n\r\n")
    gate.opened.set()
    assert [peer.answer().body for _ in range(4)] == [b"late", b"3", b"4", b"5"]


def test_a_whole_batch_of_events_is_served_though_its_first_blocks(serve, clock, gate):
    """The batch, and the ready list of new connections, are the lease's."""
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    peers = [running.connect() for _ in range(40)]
    running.settle()

    def send_all():
        for peer in peers:
            peer.get("/gate" if peer is peers[0] else "/")

    running.call(send_all)
    assert gate.entered.wait(SOON)
    clock.now += 10
    new = [running.connect() for _ in range(10)]
    for peer in new:
        peer.get("/")
    assert {peer.answer().body for peer in peers[1:] + new} == {b"hello"}
    gate.opened.set()
    assert peers[0].answer().body == b"late"


def test_async_views_wait_for_the_loop_and_are_answered_then(serve, clock, gate):
    async def later(request):
        await asyncio.sleep(0)
        return threading.current_thread().name

    running = serve({"/gate": View(gate), "/": View(hello), "/async": View(later)}, clock=clock)
    late = blocked(running, clock, gate)
    peers = [running.connect() for _ in range(5)]
    for peer in peers:
        peer.get("/async")
    assert running.get("/").body == b"hello"  # and those are matched meanwhile
    gate.opened.set()
    assert [peer.answer().body for peer in peers] == [b"serves"] * 5
    assert late.answer().body == b"late"


def test_an_async_body_of_a_thread_waits_for_the_loop(serve, clock, gate):
    """Its head may leave before."""

    async def pieces():
        yield b"a"
        await asyncio.sleep(0)
        yield b"b"

    running = serve({"/gate": View(gate), "/lazy": View(lambda request: Response(pieces()), mode=THREAD)}, clock=clock)
    late = blocked(running, clock, gate)
    peer = running.connect()
    peer.get("/lazy")
    running.settle()
    gate.opened.set()
    assert peer.answer().body == b"ab"
    assert late.answer().body == b"late"


def test_a_peer_that_leaves_during_its_late_call_harms_nobody(serve, clock, gate):
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    late = blocked(running, clock, gate)
    late.reset()
    assert running.get("/").body == b"hello"
    running.call(lambda: [each.cut() for each in running.server.reactor.watched() if hasattr(each, "cut") and not each.is_idle])
    gate.opened.set()
    assert running.get("/").body == b"hello"


def test_a_late_call_that_raises_is_answered_with_500(serve, clock):
    entered, opened = threading.Event(), threading.Event()

    def broken(request):
        entered.set()
        assert opened.wait(SOON)
        raise SystemExit("as planned")

    running = serve({"/broken": View(broken), "/": View(hello)}, clock=clock)
    peer = running.connect()
    peer.get("/broken")
    assert entered.wait(SOON)
    clock.now += 10
    assert running.get("/").body == b"hello"
    opened.set()
    assert peer.answer().status == 500


def test_a_late_lazy_body_is_sent(serve, clock, gate):
    gate.result = Response(iter(["a", "b"]))
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    late = blocked(running, clock, gate)
    assert running.get("/").body == b"hello"
    gate.opened.set()
    assert late.answer().body == b"ab"


def test_one_call_after_the_other_is_rescued(serve, clock):
    """The same thread, the same peers, many times: nothing wears out."""
    gates = [Gate(str(number)) for number in range(20)]
    running = serve({"/": View(hello)} | {f"/{number}": View(gate) for number, gate in enumerate(gates)}, clock=clock)
    other = running.connect()
    peer = running.connect()
    for number, gate in enumerate(gates):
        peer.get(f"/{number}")
        assert gate.entered.wait(SOON)
        clock.now += 10
        other.get("/")
        assert other.answer().body == b"hello"
        gate.opened.set()
        assert peer.answer().body == str(number).encode()


def test_a_view_that_asks_its_own_server_gets_an_answer(serve, clock):
    """Without the rescue it would wait for itself."""

    def ask(request):
        clock.now += 10
        return running.get("/").body

    running = serve({"/ask": View(ask), "/": View(hello)}, clock=clock)
    assert running.get("/ask").body == b"hello"


def test_a_stop_during_a_rescue_ends_when_the_late_call_does(serve, clock, gate):
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    late = blocked(running, clock, gate)
    assert running.get("/").body == b"hello"
    running.server.stop()
    gate.opened.set()
    assert late.answer().body == b"late"
    assert late.is_ended()
    running.thread.join(SOON)
    assert not running.thread.is_alive()


def test_deadlines_are_kept_during_a_rescue(serve, clock, gate):
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock, timeouts={"keep_alive": 1})
    idle = running.connect()
    idle.get("/")
    assert idle.answer().body == b"hello"
    blocked(running, clock, gate)
    assert running.get("/").body == b"hello"
    clock.now += 2000
    assert running.get("/").body == b"hello"
    assert idle.is_ended()


def test_a_watchdog_that_falls_asleep_while_it_is_started_is_woken(serve, clock, gate):
    """On a loaded machine the thread that starts it comes back so late that it has seen nothing begin for a while."""
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    lease = running.server.reactor.lease
    start = running.call(lambda: lease.on_first)

    def start_slowly():
        start()
        until(lambda: lease.is_asleep)

    running.call(lambda: setattr(lease, "on_first", start_slowly))
    blocked(running, clock, gate)
    assert running.get("/").body == b"hello"


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_watchdog_that_got_no_thread_is_started_later(serve, clock, gate, monkeypatch, error):
    begin, tries = watchdog.begin_thread, []

    def fail_once(name, function):
        tries.append(name)
        if len(tries) == 1:
            raise error
        return begin(name, function)

    monkeypatch.setattr(watchdog, "begin_thread", fail_once)
    monkeypatch.setattr(watchdog, "NEXT_TRY", 0)
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    assert running.get("/").body == b"hello"
    lease = running.server.reactor.lease
    deadline = time.monotonic() + SOON
    while lease.on_first is None and time.monotonic() < deadline:
        time.sleep(0.001)
    blocked(running, clock, gate)
    assert running.get("/").body == b"hello"
    assert tries == ["kolben-watchdog"] * 2


def test_a_watchdog_whose_start_fails_is_started_by_the_next_call(serve, clock, gate):
    running = serve({"/gate": View(gate), "/": View(hello)}, clock=clock)
    lease = running.server.reactor.lease
    start = running.call(lambda: lease.on_first)

    tries = []

    def fail_once():
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        start()

    running.call(lambda: lease.await_first(fail_once))
    peer = running.connect()
    peer.get("/")
    assert peer.is_ended()
    blocked(running, clock, gate)
    assert running.get("/").body == b"hello"


def test_a_pinned_view_that_blocks_every_time_does_not_fill_the_log(serve, clock, caplog):
    """The first rescue is logged, the second, the fourth ..."""
    view = View(lambda request: ask(), mode=INLINE)

    def ask():
        clock.now += 10
        return running.get("/").body

    running = serve({"/ask": view, "/": View(hello)}, clock=clock)
    for _ in range(9):
        assert running.get("/ask").body == b"hello"
    assert view.record.rescued == 9
    assert caplog.text.count("blocks, inline") == 4


class Notes(logging.Handler):
    """What the server logs, as it comes."""

    def __init__(self):
        super().__init__()
        self.texts = SimpleQueue()

    def emit(self, record):
        self.texts.put(record.getMessage())

    def wait_for(self, text):
        while text not in (found := self.texts.get(timeout=SOON)):
            pass
        return found


@pytest.fixture
def notes():
    handler, log = Notes(), logging.getLogger("kolben.server")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def test_a_rescue_is_logged_with_the_place(serve, clock, gate, notes):
    running = serve({"/gate": View(gate)}, clock=clock)
    blocked(running, clock, gate)
    text = notes.wait_for("blocks")
    assert text.startswith("gate blocks, inline, for more than 10 ms")
    assert f'file "{__file__}", line ' in text


def test_an_async_view_that_blocks_in_its_first_step_is_named(serve, clock, notes):
    """It cannot be rescued; a person can mend it."""
    seen = []

    async def blocking(request):
        clock.now += 100
        seen.append(notes.wait_for("blocks the loop"))
        return "late"

    running = serve({"/": View(blocking)}, clock=clock)
    assert running.get("/").body == b"late"
    assert seen[0].startswith("blocking is async and blocks the loop for more than 100 ms")
    assert f'file "{__file__}", line ' in seen[0]


def test_an_async_view_that_blocks_in_a_later_step_is_named(serve, notes):
    """Its step is the loop's own business: the watchdog asks the loop for a sign of life."""
    seen = []

    async def blocking(request):
        await asyncio.sleep(0)
        seen.append(notes.wait_for("blocks the loop"))
        return "late"

    running = serve({"/": View(blocking)})
    assert running.get("/").body == b"late"
    assert seen[0].startswith("blocking is async")
    assert f'file "{__file__}", line ' in seen[0]


def test_asyncio_run_works_in_an_inline_view_also_when_it_is_late(serve, clock, gate):
    async def inner():
        await asyncio.sleep(0)
        return "inner"

    def view(request):
        gate(request)
        return asyncio.run(inner())

    running = serve({"/run": View(view), "/": View(hello)}, clock=clock)
    late = blocked(running, clock, gate, "/run")
    assert running.get("/").body == b"hello"
    gate.opened.set()
    assert late.answer().body == b"inner"


def test_a_late_view_keeps_its_thread(serve, clock, gate):
    """Thread-locals stay right: the watchdog runs nobody's view."""
    running = serve({"/gate": View(gate), "/": View(lambda request: str(threading.get_ident()))}, clock=clock)
    late = blocked(running, clock, gate)
    other = running.get("/").body
    gate.opened.set()
    late.answer()
    assert gate.threads == [running.thread.ident]
    assert other != str(running.thread.ident).encode()


def test_a_server_that_does_nothing_wakes_nobody(serve):
    """The watchdog sleeps without limit when nothing has begun for a while."""
    running = serve({"/": View(hello)})
    assert running.get("/").body == b"hello"
    lease = running.server.reactor.lease
    until(lambda: lease.is_asleep)
    assert running.get("/").body == b"hello"

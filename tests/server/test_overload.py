"""A server that is behind refuses at once whom it could only answer late, and goes on as before when it has caught up."""

import threading
import time

import pytest

from .conftest import SOON, THREAD, View

LATE = 0.002  # seconds: `timeouts.queue` where the test decides by real time


def spin(_):
    """Work for longer than LATE, however fast the machine is."""
    until = time.monotonic() + 2 * LATE
    while time.monotonic() < until:
        pass
    return "done"


async def spin_async(request):
    return spin(request)


def quick(_):
    return "done"


def connected(running, count):
    peers = [running.connect() for _ in range(count)]
    running.settle()
    return peers


def ask_at_once(running, peers, path="/"):
    """All requests are there before the server looks; in order of the connections."""
    running.call(lambda: [peer.get(path) for peer in peers])
    return [peer.answer() for peer in peers]


@pytest.mark.parametrize("view", [spin, spin_async])
def test_what_waits_in_a_batch_for_too_long_is_refused_and_told_when_to_come_back(serve, view):
    running = serve({"/": View(view)}, timeouts={"queue": LATE})
    first, *others = ask_at_once(running, connected(running, 10))
    assert first.status == 200
    assert {(answer.status, answer.headers["retry-after"]) for answer in others} == {(503, "1")}
    assert (running.engine.refused, running.server.reactor.backlog.refused) == (9, 9)


def test_a_refused_request_does_not_end_its_connection(serve):
    running = serve({"/": View(spin)}, timeouts={"queue": LATE})
    peers = connected(running, 3)
    assert [answer.status for answer in ask_at_once(running, peers)] == [200, 503, 503]
    peers[2].get("/")
    assert peers[2].answer().status == 200


def test_a_body_that_came_with_a_refused_request_is_not_taken_for_the_next_one(serve):
    running = serve({"/": View(spin)}, timeouts={"queue": LATE})
    peers = connected(running, 2)
    running.call(lambda: [peer.post("/", b"GET /x HTTP/1.1\r\n") for peer in peers])
    assert [peer.answer().status for peer in peers] == [200, 503]
    peers[1].get("/")
    assert peers[1].answer().status == 200


def test_what_the_kernel_holds_back_is_known_to_have_waited(serve):
    """More are ready than one look at the kernel shows; those it shows later were ready before its mark."""
    running = serve({"/": View(spin)}, timeouts={"queue": LATE})
    answers = ask_at_once(running, connected(running, 300))
    assert [answer.status for answer in answers] == [200] + [503] * 299
    assert running.get("/").status == 200


def test_connections_that_came_together_are_judged_alike(serve):
    running = serve({"/": View(spin)}, timeouts={"queue": LATE})

    def connect():
        peers = [running.connect() for _ in range(10)]
        for peer in peers:
            peer.get("/")
        return peers

    statuses = [peer.answer().status for peer in running.call(connect)]
    assert statuses == [200] + [503] * 9


def test_who_connects_is_accepted_while_others_are_served(serve):
    """In the kernel's queue nobody sees for how long a request waits, and it is short: more of it is taken in every turn."""
    open_then = []

    def view(_):
        open_then.append(running.engine.active)
        return spin(_) if len(open_then) < 10 else "done"

    running = serve({"/": View(view)}, timeouts={"queue": 0})
    peers = connected(running, 300)  # more than one look at the kernel shows

    def connect_and_ask():
        later = [running.connect() for _ in range(100)]
        for peer in peers:
            peer.get("/")
        return later

    running.call(connect_and_ask)
    assert {peer.answer().status for peer in peers} == {200}
    assert open_then[9] == 400


@pytest.mark.parametrize("timeouts", [{}, {"queue": 0}])
def test_a_burst_is_served(serve, timeouts):
    """By default nothing is refused that waits for less than seconds; 0: whatever it waits."""
    running = serve({"/": View(spin)}, timeouts=timeouts)
    assert {answer.status for answer in ask_at_once(running, connected(running, 20))} == {200}


def test_after_a_while_with_some_rest_it_is_as_patient_as_before(serve):
    running = serve({"/": View(spin), "/quick": View(quick)}, timeouts={"queue": LATE})
    ask_at_once(running, connected(running, 3))
    assert running.server.reactor.backlog.behind
    deadline = time.monotonic() + SOON
    while running.server.reactor.backlog.behind and time.monotonic() < deadline:
        assert running.get("/quick").status == 200
    assert not running.server.reactor.backlog.behind


# --- who waits for a thread ---------------------------------------------------------------------------------------------------


class Gate:
    """A view for one thread, which holds it until it is told."""

    def __init__(self):
        self.open = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, _):
        self.begun.release()
        assert self.open.wait(SOON)
        return "done"

    __name__ = "gate"


def held_up(serve, clock, seconds, **limits):
    """A server with one thread, in which four requests have waited so long for the first to end; their answers."""
    gate = Gate()
    running = serve({"/": View(gate, mode=THREAD)}, limits={"threads": 1, **limits}, clock=clock)
    peers = connected(running, 5)
    peers[0].get("/")
    assert gate.begun.acquire(timeout=SOON)
    for peer in peers[1:]:
        peer.get("/")
    running.later(seconds)
    gate.open.set()
    return running, [peer.answer() for peer in peers]


def test_what_waited_too_long_for_a_thread_is_refused_and_not_run(serve, clock):
    running, (first, *others) = held_up(serve, clock, 5.1)
    assert first.status == 200
    assert {(answer.status, answer.headers["retry-after"]) for answer in others} == {(503, "1")}
    assert running.engine.backlog.behind


def test_what_waited_less_for_a_thread_is_run(serve, clock):
    running, answers = held_up(serve, clock, 4.9)
    assert {answer.status for answer in answers} == {200}
    assert not running.engine.backlog.behind


def test_a_full_queue_refuses_at_once_and_counts_as_being_behind(serve, clock):
    running, answers = held_up(serve, clock, 0, queue=2)
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 503, 503]
    assert running.engine.backlog.behind


def test_when_threads_are_free_again_it_is_as_patient_as_before(serve, clock, caplog):
    running, _ = held_up(serve, clock, 5.1)
    for _ in range(2):
        clock.now += 600
        assert running.get("/").status == 200
    assert not running.engine.backlog.behind
    assert [record.getMessage() for record in caplog.records if "for a thread" in record.getMessage()] == [
        "Requests wait too long for a thread: further ones are refused with 503 until that is over",
        "Requests do not wait for a thread any more; 4 were refused",
    ]

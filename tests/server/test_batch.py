"""Small answers of one batch of events are sent together at its end; nothing else about them changes."""

import pytest
from tests.server.conftest import View

from kolben.http import Response

PEERS = 100


def number(request):
    return request.query_string


def large(request):
    return b"x" * 100_000


def parting(request):
    return Response("bye", headers={"Connection": "close"})


def failing(request):
    raise ValueError("as planned")


@pytest.fixture
def running(serve):
    return serve({"/": View(number), "/large": View(large), "/parting": View(parting), "/failing": View(failing)})


def connected(running, count):
    peers = [running.connect() for _ in range(count)]
    running.settle()
    return peers


def test_every_peer_of_a_batch_gets_its_own_answer(running):
    """What is sent together is not mixed up."""
    peers = connected(running, PEERS)
    running.call(lambda: [peer.get(f"/?{index}") for index, peer in enumerate(peers)])
    assert [peer.answer().body for peer in peers] == [b"%d" % index for index in range(PEERS)]


def test_answers_of_every_kind_may_stand_in_one_batch(running):
    """Large ones, last ones and failures are sent on their own; those around them are not held up or lost."""
    paths = ["/?1", "/large", "/?2", "/parting", "/?3", "/failing", "/?4"]
    peers = connected(running, len(paths))
    running.call(lambda: [peer.get(path) for path, peer in zip(paths, peers, strict=True)])
    answers = [peer.answer() for peer in peers]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 200, 500, 200]
    assert [len(answer.body) for answer in answers[:5]] == [1, 100_000, 1, 3, 1]
    assert peers[3].is_ended()


def test_pipelined_requests_in_a_batch_keep_their_order(running):
    """Each connection's answers are one piece of the batch."""
    peers = connected(running, 10)
    running.call(lambda: [peer.send(b"GET /?a HTTP/1.1\r\nHost: a\r\n\r\nGET /?b HTTP/1.1\r\nHost: a\r\n\r\n") for peer in peers])
    assert [(peer.answer().body, peer.answer().body) for peer in peers] == [(b"a", b"b")] * 10


def test_a_peer_that_is_gone_when_its_answer_is_sent_takes_nobody_with_it(running):
    """The connection is closed; the batch goes on."""
    peers = connected(running, 20)

    def send():
        for index, peer in enumerate(peers):
            peer.get(f"/?{index}")
        for peer in peers[::2]:
            peer.reset()

    running.call(send)
    assert [peer.answer().body for peer in peers[1::2]] == [b"%d" % index for index in range(1, 20, 2)]


def test_a_peer_that_shuts_its_side_with_its_request_gets_its_answer(running):
    """The end of the stream comes in the same batch as the request."""
    peers = connected(running, 20)

    def send():
        for index, peer in enumerate(peers):
            peer.get(f"/?{index}")
            peer.shut()

    running.call(send)
    assert [peer.answer().body for peer in peers] == [b"%d" % index for index in range(20)]
    assert all(peer.is_ended() for peer in peers)

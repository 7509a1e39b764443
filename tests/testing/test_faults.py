"""The peers that misbehave, judged by a server of the standard library that notes what it sees."""

import contextlib
import socket
import threading

import pytest

PATIENCE = 10


class Noting:
    """Accepts on a port or a path; keeps what each connection brought, and answers each newline with its line."""

    def __init__(self, sock, *, reads=True):
        self.socket, self.reads = sock, reads
        self.packets, self.endings = [], []
        self.ended = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.threads.append(threading.Thread(target=self.converse, args=(connection,)))
                self.threads[-1].start()

    def converse(self, connection):
        ending = "end"
        with connection:
            try:
                while data := connection.recv(65536):
                    self.packets.append(data)
                    connection.sendall(data if b"\n" in data else b"")
            except ConnectionResetError:
                ending = "reset"
        self.endings.append(ending)
        self.ended.release()

    def wait_for_end(self):
        assert self.ended.acquire(timeout=PATIENCE)
        return self.endings[-1]

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join(PATIENCE)


@pytest.fixture
def server(nothing_left):
    made = Noting(socket.create_server(("127.0.0.1", 0)))
    yield made
    made.close()


@pytest.fixture
def address(server):
    return server.socket.getsockname()


def test_a_slow_client_sends_byte_by_byte(server, address, slow_client):
    peer = slow_client(address, pause=0.01)
    peer.send(b"slow\n")
    assert peer.receive_until(b"\n").endswith(b"\n")
    assert b"".join(server.packets) == b"slow\n"
    assert len(server.packets) > 1


def test_a_half_close_ends_what_is_sent_and_reads_on(server, address, half_close):
    peer = half_close(address, b"a\nb\n")
    assert peer.rest() == b"a\nb\n"
    assert server.wait_for_end() == "end"


def test_a_reset_is_seen_as_one(server, address, reset):
    reset(address, b"question\n", wait_for=b"\n")
    assert server.wait_for_end() == "reset"


def test_split_packets_cut_once_at_every_place(server, address, split_packets):
    seen = []
    for peer in split_packets(address, b"abc\n"):
        peer.half_close()
        peer.rest()
        seen.append(b"".join(server.packets))
        server.packets.clear()
    assert seen == [b"abc\n"] * 3


def test_coalesced_packets_come_together(server, address, coalesced_packets):
    peer = coalesced_packets(address, b"a\n", b"b\n")
    assert peer.receive(4) == b"a\nb\n"
    assert server.packets == [b"a\nb\n"]


def test_a_stalled_reader_tells_how_much_was_taken_for_it(address, stalled_reader):
    """The echo stops reading once nobody reads its answers: the kernel's buffers are all it costs."""
    peer = stalled_reader(address)
    taken = peer.send_until_stalled(b"\n" * 65536)
    assert 0 < taken < 1 << 28
    peer.reset()


def test_a_flood_is_as_many_connections_as_were_asked_for(server, address, connection_flood):
    flood = connection_flood(address, 50)
    for peer in flood:
        peer.send(b"x\n")
    assert [peer.receive(2) for peer in flood] == [b"x\n"] * 50
    flood.reset()
    for _ in flood:
        server.wait_for_end()


def test_who_waits_for_what_does_not_come_says_what_came(address, peer):
    made = peer(address)
    made.send(b"some\n")
    made.half_close()
    with pytest.raises(AssertionError, match="the server closed; before that it sent b'some"):
        made.receive(100)


def test_an_address_can_be_written_as_the_server_writes_it(tmp_path, nothing_left, half_close, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind("it.sock")
    sock.listen()
    server = Noting(sock)
    assert half_close("unix:it.sock", b"x\n").rest() == b"x\n"
    server.close()


def test_an_address_that_nobody_can_connect_to_is_refused(peer):
    with pytest.raises(ValueError, match="expected the address of a server"):
        peer("fd://3")


def test_a_descriptor_that_is_left_fails_the_test():
    """nothing_left waits, and then tells."""
    from kolben.testing import faults

    before = faults._descriptors(), set(threading.enumerate())
    with socket.socket():
        assert faults._left_since(*before) == ["1 descriptors"]
    assert faults._left_since(*before) == []

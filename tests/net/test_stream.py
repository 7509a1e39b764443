"""The blocking form of streams: the same names, for threads."""

import contextlib
import select
import socket

import pytest

from kolben.base import LimitExceeded, UsageError
from kolben.net import Stream, TCPAddress, connect, listen
from kolben.net.errors import BrokenError, ClosedError, IncompleteReadError, ResetError, TimedOutError

SOON = 10
LOCAL = "127.0.0.1:0"


@contextlib.contextmanager
def pair(address=LOCAL):
    """Both ends of one connection."""
    with listen(address) as listener, connect(listener.address) as near, listener.accept(timeout=SOON) as far:
        near.timeout = far.timeout = SOON
        yield near, far


def test_bytes_go_both_ways():
    """What one end sends the other receives, and both know who the other is."""
    with pair() as (near, far):
        near.send(b"ping")
        assert far.recv() == b"ping"
        far.send(bytearray(b"pong"))
        assert near.recv(2) == b"po"
        buffer = bytearray(5)
        assert near.recv_into(buffer) == 2
        assert buffer == b"ng\0\0\0"
        assert near.peer_address == far.local_address
        assert far.peer_address == near.local_address
        assert isinstance(far.peer_address, TCPAddress)


def test_pieces_are_cut_where_the_caller_says():
    """And what was received beyond stays for the next call; the last line may have no end."""
    with pair() as (near, far):
        near.send(b"head\r\n\r\nbody of 10one\ntwo\nthree")
        near.send_eof()
        assert far.recv_until(b"\r\n\r\n") == b"head\r\n\r\n"
        assert far.recv_exactly(10) == b"body of 10"
        assert list(far) == [b"one\n", b"two\n", b"three"]
        assert far.recv() == b""
        far.send(b"answer")
        assert near.recv() == b"answer"


def test_an_end_in_the_middle_gives_what_came():
    """As `partial`."""
    with pair() as (near, far):
        near.send(b"abc")
        near.close()
        with pytest.raises(IncompleteReadError, match="expected 5 bytes, got 3") as caught:
            far.recv_exactly(5)
        assert (caught.value.partial, caught.value.expected) == (b"abc", 5)


def test_a_separator_has_to_come_within_the_limit():
    """What came stays."""
    with pair() as (near, far):
        near.send(b"x" * 100)
        with pytest.raises(LimitExceeded, match="within 50 bytes"):
            far.recv_until(b"\n", 50)
        assert far.recv_exactly(100) == b"x" * 100


def test_a_deadline_belongs_to_the_whole_call():
    """What came before it stays for the next one."""
    with pair() as (near, far):
        near.send(b"ab")
        with pytest.raises(TimedOutError, match="the peer did not send in time"):
            far.recv_exactly(4, timeout=0.01)
        near.send(b"cd")
        assert far.recv_exactly(4) == b"abcd"


def test_a_peer_that_does_not_receive_ends_a_send_in_time():
    """A thread is not held for ever."""
    with pair() as (near, _), pytest.raises(TimedOutError, match="did not receive"):
        near.send(b"x" * 64 * 1024 * 1024, timeout=0.05)


def test_a_peer_that_cuts_is_a_reset():
    """With the address; a send afterwards fails as well."""
    with pair() as (near, far):
        near.abort()
        with pytest.raises(ResetError, match=r"127\.0\.0\.1:\d+>: the peer cut"):
            far.recv()
        with pytest.raises(BrokenError, match="receives no more"):
            far.send(b"x")


def test_a_closed_stream_says_so():
    """Closing again does nothing."""
    with pair() as (near, _):
        near.close()
        near.close()
        near.abort()
        for use in (near.recv, lambda: near.send(b"x"), near.send_eof, lambda: near.recv_exactly(1)):
            with pytest.raises(ClosedError, match="after it was closed"):
                use()
        assert near.fileno() == -1
        assert near.is_closed


def test_nobody_connects_in_time():
    """accept() has a deadline as well."""
    with listen(LOCAL) as listener, pytest.raises(TimedOutError, match="nobody connected within"):
        listener.accept(timeout=0.01)


def test_a_closed_listener_says_so():
    """And ends its iteration."""
    with listen(LOCAL) as listener:
        pass
    with pytest.raises(ClosedError):
        listener.accept()
    assert list(listener) == []


def test_options_are_those_of_the_socket():
    """For what has no method."""
    with pair() as (near, far):
        near.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert far.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@pytest.mark.parametrize("server_is_ours", [True, False])
@pytest.mark.parametrize("client_is_ours", [True, False])
def test_the_classic_pair_interoperates_with_the_one_written_for_socket(server_is_ours, client_is_ours, in_thread, capsys):
    """A server that prints who came and thanks; a client that receives: four lines each."""

    def our_server(listener):
        for stream in listener:
            with stream:
                print(stream.peer_address, "came")  # noqa: T201 - the classic server does
                stream.send(b"Thank you for connecting")
            listener.close()

    def plain_server(sock):
        peer, name = sock.accept()
        print(f"{name[0]}:{name[1]} came")  # noqa: T201 - the same
        peer.send(b"Thank you for connecting")
        peer.close()
        sock.close()

    def our_client(port):
        with connect(f"127.0.0.1:{port}") as stream:
            return str(stream.local_address), stream.recv(1024)

    def plain_client(port):
        sock = socket.socket()
        sock.connect(("127.0.0.1", port))
        name, received = sock.getsockname(), sock.recv(1024)
        sock.close()
        return f"{name[0]}:{name[1]}", received

    listener = listen(LOCAL) if server_is_ours else socket.create_server(("127.0.0.1", 0))
    port = listener.address.port if server_is_ours else listener.getsockname()[1]
    server = in_thread(our_server if server_is_ours else plain_server, listener)
    name, received = (our_client if client_is_ours else plain_client)(port)
    server.join(SOON)
    assert received == b"Thank you for connecting"
    assert capsys.readouterr().out == f"{name} came\n"


# --- Unix --------------------------------------------------------------------------------------------------------------------


def test_a_unix_socket_knows_who_is_at_the_other_end(tmp_path, monkeypatch):
    """The kernel says so, not the peer."""
    import os

    monkeypatch.chdir(tmp_path)
    with pair("unix:app.sock") as (near, far):
        assert far.peer_credentials == (os.getpid(), os.getuid(), os.getgid())
        assert str(near.peer_address) == "unix:app.sock"
        assert str(far.peer_address) == "unix:"
        near.send(b"x")
        assert far.recv() == b"x"
    with pair() as (near, _), pytest.raises(UsageError, match="expected a Unix socket"):
        _ = near.peer_credentials


def test_descriptors_go_to_the_other_process(tmp_path, monkeypatch):
    """They are the receiver's then, and do not live through exec."""
    import os

    monkeypatch.chdir(tmp_path)
    with pair("unix:app.sock") as (near, far):
        mine, others = socket.socketpair()
        with mine:
            near.send_fds(b"take this", [others.fileno()])
            others.close()
            data, fds = far.recv_fds()
            assert data == b"take this"
            assert not os.get_inheritable(fds[0])
            with Stream(socket.socket(fileno=fds[0])) as received:
                mine.send(b"hello")
                assert received.recv() == b"hello"


def test_it_polls_as_other_sockets_do():
    """`select` takes it."""
    with pair() as (near, far):
        near.send(b"x")
        assert select.select([far], [], [], SOON)[0] == [far]

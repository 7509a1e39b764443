"""Connecting: names, happy eyeballs (RFC 8305), refusals with a remedy, in both forms."""

import asyncio
import socket
import sys

import pytest

from kolben.base import UsageError
from kolben.net import TCPAddress, aio, connect, listen, resolving
from kolben.net.errors import ConnectError, RefusedError, TimedOutError, UnknownHostError

SOON = 10
LOCAL = "127.0.0.1:0"


@pytest.fixture(params=["blocking", "awaiting"])
def reach(request):
    """Connects in either form; returns the peer's address as the system has it."""

    def blocking(address, **options):
        with connect(address, **options) as stream:
            return stream.socket.getpeername()

    def awaiting(address, **options):
        async def main():
            async with await aio.connect(address, **options) as stream:
                with stream._borrow() as sock:
                    return sock.getpeername()

        return asyncio.run(main())

    return blocking if request.param == "blocking" else awaiting


@pytest.fixture
def names(monkeypatch):
    """Hosts and their addresses, for this test alone."""
    known = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **options):
        if host not in known:
            return real(host, port, *args, **options)
        found = known[host]
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in ip], socket.SOCK_STREAM, 6, "", (ip, port, 0, 0) if ":" in ip else (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


def test_a_name_is_looked_up(reach):
    """`localhost` may be two addresses, of which one listens."""
    with listen(LOCAL) as listener:
        assert reach(f"localhost:{listener.address.port}")[0] == "127.0.0.1"


def test_the_next_address_is_tried_when_one_refuses(reach, names):
    """At once, not after the delay."""
    names["twice"] = ["127.0.0.2", "127.0.0.1"]
    with listen(LOCAL) as listener:
        assert reach(f"twice:{listener.address.port}", timeout=SOON)[0] == "127.0.0.1"


def test_the_next_address_is_tried_beside_one_that_does_not_answer(reach, names, monkeypatch):
    """Whose queue is full here, so that it neither answers nor refuses."""
    monkeypatch.setattr(resolving, "ATTEMPT_DELAY", 0.01)
    with socket.socket() as deaf, listen("127.0.0.1:0") as listener:
        deaf.bind(("127.0.0.2", listener.address.port))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        names["twice"] = ["127.0.0.2", "127.0.0.1"]
        assert reach(f"twice:{listener.address.port}", timeout=SOON)[0] == "127.0.0.1"
        for filler in fillers:
            filler.close()


def test_families_take_turns():
    """Beginning with the system's first choice (RFC 8305, section 4)."""
    v6, v4 = socket.AF_INET6, socket.AF_INET
    found = [(v6, 1, 6, "", ("::1", 1)), (v6, 1, 6, "", ("::2", 1)), (v4, 1, 6, "", ("127.0.0.1", 1)), (v6, 1, 6, "", ("::1", 1))]
    assert resolving.in_order(found) == [(v6, ("::1", 1)), (v4, ("127.0.0.1", 1)), (v6, ("::2", 1))]


def test_refusals_name_the_address_and_the_remedy(reach, tmp_path, monkeypatch):
    """And are the errors that a program written for sockets expects."""
    monkeypatch.chdir(tmp_path)
    with listen(LOCAL) as listener:
        port = listener.address.port
    with pytest.raises(RefusedError, match=f":{port}: nobody listens there. Start the program") as caught:
        reach(f"127.0.0.1:{port}")
    assert isinstance(caught.value, ConnectionRefusedError)
    with pytest.raises(UnknownHostError, match=r"invalid' is not known here.*Check its spelling") as caught:
        reach("no-such-host.invalid:80")
    assert isinstance(caught.value, OSError)
    with pytest.raises(RefusedError, match=r"cannot connect to unix:none.sock: there is no such socket"):
        reach("unix:none.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind("stale.sock")
    with pytest.raises(RefusedError, match="its file is there"):
        reach("unix:stale.sock")
    with pytest.raises(UsageError, match="expected a host and a port"):
        reach(":5000")
    with pytest.raises(UsageError, match="cannot connect to 'nonsense'"):
        reach("nonsense")
    with pytest.raises(UsageError, match="cannot connect to fd://3"):
        reach("fd://3")


def test_a_connect_has_a_deadline(reach):
    """A full queue neither answers nor refuses."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        with pytest.raises(TimedOutError, match="did not answer in time") as caught:
            reach(TCPAddress(*deaf.getsockname()), timeout=0.05)
        assert isinstance(caught.value, TimeoutError)
        for filler in fillers:
            filler.close()


def test_a_connect_may_come_from_an_address_of_choice(reach):
    """Of this machine."""
    with listen(LOCAL) as listener:
        if sys.platform == "linux":
            reach(listener.address, local="127.0.0.3:0")
            peer = listener.accept(timeout=SOON)
            assert peer.peer_address.host == "127.0.0.3"
            peer.close()
        with pytest.raises(ConnectError, match="no local address or port is left for it"):
            reach(listener.address, local="192.0.2.1:0")
        with pytest.raises(UsageError, match="local: expected an address of this machine"):
            reach(listener.address, local="unix:/x")

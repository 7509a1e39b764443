"""Listening sockets are as the rest of the house expects them, and refusals tell what to do."""

import contextlib
import errno
import os
import re
import socket
import stat
import subprocess
import sys

import pytest

from kolben.base import UsageError
from kolben.net import InheritedAddress, TCPAddress, UnixAddress, listen, listen_all
from kolben.net.refusal import refusal

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone")
LOCAL = TCPAddress("127.0.0.1", 0)


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


IPV6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A short path, for sun_path is short."""
    monkeypatch.chdir(tmp_path)
    return "app.sock"


def view(listener):
    """The listener's socket, borrowed."""
    return contextlib.closing(socket.socket(fileno=os.dup(listener.fileno())))


def reach(listener):
    """Connect to a listener and return what it accepts."""
    with view(listener) as sock:
        peer = socket.socket(sock.family)
        peer.connect(sock.getsockname())
        return peer, sock.accept()[0]


# --- TCP ---------------------------------------------------------------------------------------------------------------------


def test_port_0_becomes_the_port_that_the_system_chose():
    """The address tells it."""
    with listen(LOCAL) as listener, view(listener) as sock:
        assert listener.address == TCPAddress(*sock.getsockname())
        assert listener.address.port > 0


def test_a_listener_does_not_block_nor_live_through_exec():
    """Non-blocking and close-on-exec."""
    with listen(LOCAL) as listener:
        assert not os.get_blocking(listener.fileno())
        assert not os.get_inheritable(listener.fileno())


def test_its_port_can_be_listened_on_again_at_once():
    """Connections that linger in TIME_WAIT are no reason to refuse (SO_REUSEADDR)."""
    with listen(LOCAL) as listener:
        address = listener.address
        peer, accepted = reach(listener)
        accepted.close()  # the side that closes first lingers
        assert peer.recv(1) == b""
        peer.close()
    listen(address).close()


@LINUX
def test_accepted_sockets_inherit_tcp_nodelay():
    """It saves a system call for each connection."""
    with listen(LOCAL) as listener:
        peer, accepted = reach(listener)
        with peer, accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@LINUX
def test_an_accepted_socket_asks_after_a_silent_peer():
    """Keep-alive, inherited from the listener: no system call for each connection."""
    with listen(LOCAL) as listener:
        peer, accepted = reach(listener)
        with peer, accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


@IPV6
def test_an_ipv6_listener_leaves_ipv4_to_others():
    """IPV6_V6ONLY: no mapped addresses in anybody's logs."""
    with listen(TCPAddress("::", 0)) as six, listen(TCPAddress("0.0.0.0", six.address.port)) as four:
        assert str(six.address) == f"[::]:{four.address.port}"


@IPV6
def test_a_name_with_several_addresses_listens_on_each_with_one_port():
    """Also where the port is the system's choice."""
    listeners = listen_all(TCPAddress("", 0))
    try:
        assert {listener.address.host for listener in listeners} == {"0.0.0.0", "::"}
        assert len({listener.address.port for listener in listeners}) == 1
    finally:
        for listener in listeners:
            listener.close()


def test_localhost_has_at_least_one_address():
    """Those this machine lacks are left out."""
    listeners = listen_all(TCPAddress("localhost", 0))
    assert listeners
    for listener in listeners:
        listener.close()


def test_closing_twice_is_fine():
    """And the descriptor is -1 from then on."""
    listener = listen(LOCAL)
    listener.close()
    listener.close()
    assert listener.fileno() == -1
    assert repr(listener) == f"<Listener {listener.address} closed>"


def test_a_port_in_use_is_named_with_another():
    """Who holds it is named where /proc tells."""
    with listen(LOCAL) as listener:
        port = listener.address.port
        with pytest.raises(UsageError) as caught:
            listen(listener.address)
    told = sys.platform == "linux"
    holder = f" by this very program, .+ \\(pid {os.getpid()}\\)" if told else ""
    remedy = "close what listens there" if told else "stop that program"
    other = port + 1 if port < 65535 else port - 1
    expected = (
        f"cannot listen on 127.0.0.1:{port}: port {port} is in use{holder}. Choose another port, such as 127.0.0.1:{other}, or {remedy}."
    )
    assert re.fullmatch(expected, str(caught.value))


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_another_program_that_has_a_port_is_named():
    """It can be stopped."""
    code = "import sys; from kolben import net; here = net.listen('127.0.0.1:0'); print(here.address.port, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        port = int(other.stdout.readline())
        with pytest.raises(UsageError, match=rf"is in use by (?!this)\S+ \(pid {other.pid}\)\. .*, or stop that program\.$"):
            listen(TCPAddress("127.0.0.1", port))
        other.stdin.close()


@IPV6
def test_a_port_in_use_on_one_address_of_a_name_refuses_all_and_leaves_none_open():
    """Half a name is not served."""
    with listen(TCPAddress("::", 0)) as taken:
        port = taken.address.port
        with pytest.raises(UsageError, match=f"port {port} is in use"):
            listen_all(TCPAddress("", port))
        listen(TCPAddress("0.0.0.0", port)).close()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (TCPAddress("192.0.2.1", 0), "192.0.2.1 is not an address of this machine"),
        (TCPAddress("no-such-host.invalid", 80), "host name 'no-such-host.invalid' is not known"),
    ],
)
def test_an_address_elsewhere_is_refused(address, says):
    """192.0.2.0/24 and .invalid are nobody's (RFC 5737, RFC 2606)."""
    with pytest.raises(UsageError, match=says):
        listen(address)


def test_a_privileged_port_says_from_where_ports_are_free():
    """Not every system refuses; so the words are tested alone."""
    message = str(refusal(PermissionError(errno.EACCES, "Permission denied"), TCPAddress("127.0.0.1", 80)))
    assert message.startswith("cannot listen on 127.0.0.1:80: permission denied, for port 80 is below 1024. Choose a port from 1024")


@pytest.mark.parametrize("address", [TCPAddress("::1", 80), UnixAddress("/x"), InheritedAddress(3)])
def test_any_other_refusal_is_the_systems_words(address):
    """With something to do all the same."""
    message = str(refusal(OSError(errno.ENOBUFS, "No buffer space"), address))
    assert "No buffer space. " in message
    assert message.endswith(".")


# --- Unix --------------------------------------------------------------------------------------------------------------------


def test_a_unix_listener_makes_its_file_and_removes_it(path):
    """Closing twice is fine."""
    with listen(UnixAddress(path)) as listener:
        assert stat.S_ISSOCK(os.stat(path).st_mode)
        for sock in reach(listener):
            sock.close()
    assert not os.path.exists(path)
    listener.close()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
@pytest.mark.parametrize("where", ["address", "argument"])
def test_its_mode_is_as_asked_whatever_the_umask(path, mode, where):
    """And the umask is as it was."""
    before = os.umask(0o027)
    try:
        with listen(UnixAddress(path, mode)) if where == "address" else listen(UnixAddress(path), mode=mode):
            assert stat.S_IMODE(os.stat(path).st_mode) == mode
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_its_file_belongs_to_whom_the_address_says(path):
    """Whoever runs this may give it to itself."""
    with listen(UnixAddress(path, owner=f"{os.getuid()}:{os.getgid()}")):
        assert (os.stat(path).st_uid, os.stat(path).st_gid) == (os.getuid(), os.getgid())


def test_an_owner_that_does_not_exist_is_refused_and_no_file_stays(path):
    with pytest.raises(UsageError, match="cannot be given to 'nobody-of-that-name'"):
        listen(UnixAddress(path, owner="nobody-of-that-name"))
    assert not os.path.exists(path)


def test_a_stale_file_is_replaced(path):
    """Its process ended without removing it: nobody listens."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
    assert os.path.exists(path)
    with listen(UnixAddress(path)) as listener:
        for sock in reach(listener):
            sock.close()


@pytest.mark.parametrize("backlog", [5, 0])
def test_a_path_where_somebody_listens_is_left_alone(path, backlog):
    """Also when their queue is full."""
    with socket.socket(socket.AF_UNIX) as theirs, socket.socket(socket.AF_UNIX) as waiting:
        theirs.bind(path)
        theirs.listen(backlog)
        waiting.connect(path)
        with pytest.raises(UsageError, match="somebody listens there already"):
            listen(UnixAddress(path))
        assert os.path.exists(path)


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="the system does not tell")
@pytest.mark.parametrize("name", ["file", "abstract"])
def test_who_listens_at_a_path_is_named(path, name):
    """As with ports."""
    address = path if name == "file" else f"@{path}-{os.getpid()}"
    with listen(UnixAddress(address)), pytest.raises(UsageError, match=rf"in use by .+ \(pid {os.getpid()}\)"):
        listen(UnixAddress(address))


def test_a_datagram_socket_is_somebody(path):
    """Its file is not stale, though no stream can reach it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(path)
        with pytest.raises(UsageError, match="somebody listens"):
            listen(UnixAddress(path))
        assert os.path.exists(path)


@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkdir, "a directory"), (os.mknod, "a file"), (lambda p: os.symlink("x", p), "a symbolic link")]
)
def test_a_path_that_is_no_socket_is_never_removed(path, make, kind):
    """The message says what stands there."""
    make(path)
    with pytest.raises(UsageError, match=f"expected a socket or nothing at that path, got {kind}"):
        listen(UnixAddress(path))
    assert os.path.lexists(path)


def test_a_file_that_somebody_put_there_meanwhile_stays(path):
    """A new process took the path over; the old one does not take it away when it ends."""
    old = listen(UnixAddress(path))
    os.rename(path, "moved")
    new = listen(UnixAddress(path))
    old.close()
    assert os.path.exists(path)
    new.close()
    assert not os.path.exists(path)


def test_a_forked_child_leaves_the_file_to_its_parent(path):
    """Workers close; the path is the parent's."""
    with listen(UnixAddress(path)) as listener:
        child = os.fork()
        if child == 0:
            listener.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert os.path.exists(path)


@pytest.mark.parametrize(
    ("spec", "says"), [("none/app.sock", "expected a directory 'none'"), ("/dev/null/app.sock", "expected a directory")]
)
def test_a_directory_that_is_not_there_is_named(path, spec, says):
    """Make it, or choose another."""
    with pytest.raises(UsageError, match=says):
        listen(UnixAddress(spec))


def test_a_directory_without_permission_is_named():
    """The words alone: root may write everywhere."""
    message = str(refusal(PermissionError(errno.EACCES, "Permission denied"), UnixAddress("/run/app.sock")))
    assert "Permission denied. Choose a path in a directory that you may write to; '/run' is none." in message


@LINUX
def test_an_abstract_name_has_no_file(path):
    """And only one listener."""
    address = UnixAddress(f"@kolben-test-{os.getpid()}")
    with listen(address) as listener:
        for sock in reach(listener):
            sock.close()
        with pytest.raises(UsageError, match="somebody listens"):
            listen(address)
    listen(address).close()
    assert os.listdir() == []


# --- inherited ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened():
    """A listening socket as a service manager would leave it: blocking, open through exec; the test owns a copy."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        fd = os.dup(sock.fileno())
        os.set_inheritable(fd, True)
        yield sock, fd
        with contextlib.suppress(OSError):
            os.close(fd)


def test_an_inherited_listener_is_taken_over(opened):
    """With its address, and with what every listener has."""
    sock, fd = opened
    with listen(InheritedAddress(fd)) as listener:
        assert listener.fileno() == fd
        assert listener.address == TCPAddress(*sock.getsockname())
        assert not os.get_blocking(fd)
        assert not os.get_inheritable(fd)
    with pytest.raises(OSError):
        os.fstat(fd)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_an_inherited_socket_that_does_not_listen_stays_open_and_is_refused(kind):
    """It was not ours."""
    with socket.socket(socket.AF_INET, kind) as sock:
        with pytest.raises(UsageError, match="expected a listening stream socket"):
            listen(InheritedAddress(sock.fileno()))
        os.fstat(sock.fileno())


def test_an_inherited_descriptor_that_is_no_socket_is_refused(tmp_path):
    """A closed one too; a file stays open."""
    with (tmp_path / "file").open("w") as file:
        with pytest.raises(UsageError, match=r"expected a listening socket, got .*ocket"):
            listen(InheritedAddress(file.fileno()))
        fd = file.fileno()
        os.fstat(fd)
    with pytest.raises(UsageError, match="expected a listening socket, got Bad file descriptor"):
        listen(InheritedAddress(fd))


def test_an_inherited_unix_listener_leaves_its_file(path):
    """Whoever made it removes it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        with listen(InheritedAddress(os.dup(sock.fileno()))) as listener:
            assert listener.address == UnixAddress(path)
        assert os.path.exists(path)


@LINUX
def test_an_inherited_abstract_listener_tells_its_name():
    """With the @ that parse_address() reads."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0kolben-test-{os.getpid()}")
        sock.listen()
        with listen(InheritedAddress(os.dup(sock.fileno()))) as listener:
            assert listener.address == UnixAddress(f"@kolben-test-{os.getpid()}")

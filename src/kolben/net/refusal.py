"""Why the system refused to listen or to connect, in words: what was asked for, what is in the way, what to do."""

import errno
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from kolben.net.address import Address, InheritedAddress, TCPAddress, TLSAddress, UDPAddress, UnixAddress, UnixDatagramAddress
from kolben.net.errors import AddressInUseError, ConnectError, ForbiddenError, ListenError, NetworkError, RefusedError, TimedOutError

__all__ = ["connect_refusal", "refusal"]

PRIVILEGED = 1024  # ports below need a privilege
LARGEST_PORT = 65535
# Which tables of the kernel tell who has a port, and the state of those that wait there for others (proc(5)).
STREAM_TABLES = (("/proc/net/tcp", "/proc/net/tcp6"), "0A")
DATAGRAM_TABLES = (("/proc/net/udp", "/proc/net/udp6"), "07")
DESCRIPTORS = 20_000  # how many to look at for who holds a port; beyond it the message does without
STOP = "stop that program"


def refusal(error: OSError, address: Address) -> ListenError:
    """Make the error to raise instead of `error`, which the system gave for `address`."""
    match address:
        case UnixAddress() | UnixDatagramAddress():
            reason = _refused_unix(error, address)
        case InheritedAddress():
            reason = (
                f"expected a listening socket, got {error.strerror}."
                " Let whoever starts this process pass the socket on, or write host:port."
            )
        case _:
            reason = _refused_ip(error, address)
    kind = _KINDS.get(error.errno or 0, ListenError)
    return kind(f"cannot listen on {address}: {reason}", error.errno)


_KINDS = {errno.EADDRINUSE: AddressInUseError, errno.EACCES: ForbiddenError, errno.EPERM: ForbiddenError}
_IPAddress = TCPAddress | TLSAddress | UDPAddress
_UnixAddress = UnixAddress | UnixDatagramAddress


def connect_refusal(error: OSError, address: Address) -> NetworkError:
    """Make the error to raise instead of `error`, which the system gave when it was to connect to `address`."""
    number = error.errno or 0
    kind, reason, advice = _CONNECTING.get(number, (ConnectError, error.strerror or str(error), "Check the address."))
    if isinstance(error, TimeoutError) and not number:
        kind, reason, advice = _CONNECTING[errno.ETIMEDOUT]
    if isinstance(address, (UnixAddress, UnixDatagramAddress)) and number == errno.ECONNREFUSED:
        reason = "its file is there, but nobody listens on it"
    return kind(f"cannot connect to {address}: {reason}. {advice}", error.errno)


_START = "Start the program that is to listen there, or check the address."
_CONNECTING: dict[int, tuple[type[NetworkError], str, str]] = {
    errno.ECONNREFUSED: (RefusedError, "nobody listens there", _START),
    errno.ENOENT: (RefusedError, "there is no such socket", _START),
    errno.ETIMEDOUT: (TimedOutError, "it did not answer in time", "Check that it runs, and that no firewall is in between."),
    errno.EAGAIN: (ConnectError, "its queue of connections is full", "Try again, or give the program that listens a longer backlog."),
    errno.ENETUNREACH: (ConnectError, "this machine has no route to that network", "Check this machine's network."),
    errno.EHOSTUNREACH: (ConnectError, "there is no route to that host", "Check that it is up."),
    errno.EACCES: (ConnectError, "permission denied", "Ask whoever owns the socket, or the firewall, to let this program in."),
    errno.EADDRNOTAVAIL: (ConnectError, "no local address or port is left for it", "Check `local`, and how many connections are open."),
    errno.EPROTOTYPE: (ConnectError, "that socket is of another type", "Write unix: for a stream and unix-dgram: for datagrams."),
}


def _refused_ip(error: OSError, address: _IPAddress) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            other = address.port + 1 if address.port < LARGEST_PORT else address.port - 1
            holder, remedy = _held_by(address)
            return f"port {address.port} is in use{holder}. Choose another port, such as {type(address)(address.host, other)}, or {remedy}."
        case errno.EACCES if address.port < PRIVILEGED:
            return (
                f"permission denied, for port {address.port} is below {PRIVILEGED}."
                f" Choose a port from {PRIVILEGED}, or give the program that privilege (CAP_NET_BIND_SERVICE on Linux)."
            )
        case errno.EADDRNOTAVAIL:
            return (
                f"{address.host} is not an address of this machine. Write 127.0.0.1 for this machine alone or 0.0.0.0 for every interface."
            )
        case errno.EAFNOSUPPORT:
            return "this machine does not have that kind of address. Write an IPv4 address, such as 127.0.0.1."
    return f"{error.strerror}. Choose another address."


def _refused_unix(error: OSError, address: UnixAddress | UnixDatagramAddress) -> str:
    parent = str(Path(address.path).parent)
    match error.errno:
        case errno.EADDRINUSE:
            holder, remedy = _held_by(address)
            return f"it is in use{holder}: somebody listens there already. Choose another path, or {remedy}."
        case errno.EEXIST:
            return f"expected a socket or nothing at that path, got {_kind(address.path)}. Choose another path, or remove it."
        case errno.ENOENT | errno.ENOTDIR:
            return f"expected a directory {parent!r}, but there is none. Make it, or choose another path."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{error.strerror}. Choose a path in a directory that you may write to; {parent!r} is none."
    return f"{error.strerror}. Choose another path."


def _kind(path: str) -> str:
    mode = Path(path).lstat().st_mode
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a symbolic link" if stat.S_ISLNK(mode) else "a file"


# --- who holds a port: Linux tells, in /proc; what may not be read is passed over ----------------------------------------------


def _held_by(address: _IPAddress | _UnixAddress) -> tuple[str, str]:
    """` by NAME (pid N)`, or nothing where that is not known or would be slow to know; and what to do about it."""
    if isinstance(address, _UnixAddress):
        inodes = set(_named_inodes(("@" + address.path[1:]) if address.is_abstract else address.path))
    else:
        tables, state = DATAGRAM_TABLES if isinstance(address, UDPAddress) else STREAM_TABLES
        inodes = set(_waiting_inodes(tables, state, address.port))
    for link in islice(_descriptors() if inodes else (), DESCRIPTORS):
        try:
            if str(link.readlink()) in inodes:
                process = link.parent.parent
                name = (process / "comm").read_text("utf-8", "replace").strip()
                if int(process.name) == os.getpid():
                    return f" by this very program, {name} (pid {process.name})", "close what listens there"
                return f" by {name} (pid {process.name})", STOP
        except OSError:
            continue
    return "", STOP


def _waiting_inodes(tables: tuple[str, ...], state: str, port: int) -> Iterator[str]:
    """Yield what the links in /proc/*/fd say that are sockets waiting at the port, on whatever address."""
    for table in tables:
        try:
            lines = Path(table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == state and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def _named_inodes(path: str) -> Iterator[str]:
    """Yield the same for the Unix sockets of that name; a relative name is found where its process wrote it the same way."""
    try:
        lines = Path("/proc/net/unix").read_text("utf-8", "surrogateescape").splitlines()[1:]
    except OSError:
        return
    for fields in (line.split(maxsplit=7) for line in lines):
        if fields[7:] == [path]:
            yield f"socket:[{fields[6]}]"


def _descriptors() -> Iterator[Path]:
    for directory in Path("/proc").glob("[0-9]*/fd"):
        try:
            yield from directory.iterdir()
        except OSError:
            continue

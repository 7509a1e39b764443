"""Where to listen, as a person writes it.

    127.0.0.1:5000    localhost:5000    [::1]:5000     a host and a port; tcp:// may stand in front
    :5000                                              every interface, IPv4 and IPv6
    localhost                                          the default port, if there is one
    udp://127.0.0.1:53    tls://127.0.0.1:8443         datagrams; a stream with TLS
    unix:/run/app.sock    unix:@app                    a Unix socket: a path, or an abstract name (Linux)
    unix:/run/app.sock?mode=660&owner=www-data:web     its file's permissions, in octal, and whose it is
    unix-dgram:/run/log.sock                           a Unix socket for datagrams
    fd://3                                             a listening socket that this process was started with

Refuses to resolve names and to open sockets.  `str(address)` is what parse_address() reads.
"""

import os
import re
import sys
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TypedDict

from kolben.base.errors import UsageError

__all__ = [
    "Address",
    "InheritedAddress",
    "TCPAddress",
    "TLSAddress",
    "UDPAddress",
    "UnixAddress",
    "UnixDatagramAddress",
    "parse_address",
]

EXAMPLES = "host:port, [::1]:port, unix:/path or fd://3"
PATH_LIMIT = 107 if sys.platform == "linux" else 103  # bytes: sun_path of unix(7) without its NUL
LARGEST_PORT = 65535
LARGEST_FD = 2**31 - 1
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
HOST_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
MODE = re.compile(r"0?[0-7]{3}")
OWNER = re.compile(r"(?=.)[A-Za-z0-9_.-]*(:[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True)
class _IPAddress:
    """A host and a port.

    Attributes:
        host: A name, an IPv4 or an IPv6 address (without brackets); "" is every interface.
        port: 0 lets the system choose.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TCPAddress(_IPAddress):
    """A host and a port for streams."""

    def __str__(self) -> str:
        shown = _IPAddress.__str__(self)
        return f"tcp://{shown}" if self.host in {"unix", "unix-dgram"} else shown  # hosts of these names


@dataclass(frozen=True, slots=True)
class TLSAddress(_IPAddress):
    """A host and a port for streams with TLS."""

    def __str__(self) -> str:
        return f"tls://{_IPAddress.__str__(self)}"


@dataclass(frozen=True, slots=True)
class UDPAddress(_IPAddress):
    """A host and a port for datagrams."""

    def __str__(self) -> str:
        return f"udp://{_IPAddress.__str__(self)}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket for streams.

    Attributes:
        path: Where it stands in the file system; "@name" is abstract.
        mode: Permissions of its file, such as 0o660; None leaves them to the umask.
        owner: Whose the file is to be: "user", "user:group" or ":group", by name or number; "" for whoever makes it.
    """

    path: str
    mode: int | None = None
    owner: str = ""

    @property
    def is_abstract(self) -> bool:
        """Whether it is a name without a file (Linux)."""
        return self.path.startswith("@")

    def __str__(self) -> str:
        options = [*([] if self.mode is None else [f"mode={self.mode:o}"]), *([f"owner={self.owner}"] if self.owner else [])]
        return f"unix:{self.path}" + ("?" + "&".join(options) if options else "")


@dataclass(frozen=True, slots=True)
class UnixDatagramAddress:
    """A Unix socket for datagrams.

    Attributes:
        path: Where it stands in the file system; "@name" is abstract, "" a socket without a name.
    """

    path: str

    @property
    def is_abstract(self) -> bool:
        """Whether it is a name without a file (Linux)."""
        return self.path.startswith("@")

    def __str__(self) -> str:
        return f"unix-dgram:{self.path}"


@dataclass(frozen=True, slots=True)
class InheritedAddress:
    """A socket that is already open: a service manager, or a parent process, opened it.

    Attributes:
        fd: Its descriptor.
    """

    fd: int

    def __str__(self) -> str:
        return f"fd://{self.fd}"


Address = TCPAddress | TLSAddress | UDPAddress | UnixAddress | UnixDatagramAddress | InheritedAddress


class _NotAnAddress(ValueError):
    """What was expected, what came and what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")


def parse_address(spec: str | Address, default_port: int | None = None, *, deed: str = "listen on") -> Address:
    """Read an address; one that is read already is returned as it is.

    Args:
        spec: What a person wrote.
        default_port: Whose host stands alone has this port; None: it needs one.
        deed: What it is for, as the refusal is to call it.

    Raises:
        UsageError: it is none; the message says what was expected, what came and what to do.
    """
    if isinstance(spec, Address):
        return spec
    try:
        return _parse(spec, default_port)
    except _NotAnAddress as error:
        raise UsageError(f"cannot {deed} {spec!r}: {error}") from None


def _parse(spec: str, default_port: int | None) -> Address:
    if not isinstance(spec, str):
        raise _NotAnAddress(f"expected a str, got {type(spec).__name__}", f"Write, for instance, {_as_text(spec)!r}.")
    if spec.startswith("unix:"):
        return _parse_unix(spec.removeprefix("unix:"))
    if spec.startswith("unix-dgram:"):
        return UnixDatagramAddress(_parse_path(spec.removeprefix("unix-dgram:"), "unix-dgram"))
    scheme = SCHEME.match(spec)
    if scheme is None:
        _check_slashes(spec)
        return TCPAddress(*_parse_host_and_port(spec, default_port))
    rest = spec[scheme.end() :]
    name = scheme[1].lower()
    if name in _WITH_PORT:
        return _WITH_PORT[name](*_parse_host_and_port(rest, default_port))
    if name == "fd":
        return InheritedAddress(_parse_number(rest, "a descriptor", LARGEST_FD))
    raise _refusal_of_scheme(name)


def _as_text(value: object) -> str:
    """What somebody may have meant: `socket` takes a tuple, others a port or a path."""
    match value:
        case os.PathLike():
            return f"unix:{value}"
        case int():
            return f"127.0.0.1:{value}"
        case (str(host), int(port), *_):
            return str(TCPAddress(host, port))
        case _:
            return "127.0.0.1:5000"


def _check_slashes(spec: str) -> None:
    name, _, rest = spec.partition(":")
    if name.lower() in {*_WITH_PORT, "fd"} and not rest.isdigit():  # a host may have such a name
        raise _NotAnAddress(f"expected two slashes behind {name}:", f"Write {name}://{rest.lstrip('/')}.")


def _refusal_of_scheme(scheme: str) -> _NotAnAddress:
    if scheme in {"http", "https"}:
        return _NotAnAddress("expected where to listen, got a URL", f"Leave out {scheme}:// and the path, such as 127.0.0.1:5000.")
    from difflib import get_close_matches

    near = get_close_matches(scheme, [*_WITH_PORT, "fd"], 1)
    advice = f"Write {near[0]}://, if that is meant." if near else "For a host and a port leave the scheme out, or write tcp://."
    return _NotAnAddress(f"expected {EXAMPLES}, got {scheme}://", advice)


def _parse_number(text: str, what: str, largest: int) -> int:
    # By hand, because int() also reads "+80", " 80", "8_0" and digits that are not ASCII.
    if text.isascii() and text.isdigit() and len(text) <= len(str(largest)) and int(text) <= largest:
        return int(text)
    raise _NotAnAddress(f"expected {what} from 0 to {largest}, got {text!r}", f"Write {EXAMPLES}.")


_WITH_PORT: dict[str, type[TCPAddress | TLSAddress | UDPAddress]] = {"tcp": TCPAddress, "tls": TLSAddress, "udp": UDPAddress}


def _parse_host_and_port(text: str, default_port: int | None) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _NotAnAddress("expected [address]:port", "Close the bracket and write the port behind a colon, such as [::1]:5000.")
        _check_ipv6(host)
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
        if ":" in port:
            raise _NotAnAddress("more than one colon", "Put an IPv6 address in brackets, such as [::1]:5000.")
        _check_host(host, rest)
    if rest:
        return host, _parse_number(rest[1:], "a port", LARGEST_PORT)
    if default_port is None:
        raise _NotAnAddress("expected a port", "Append one, such as :5000.")
    return host, default_port


def _check_ipv6(host: str) -> None:
    try:
        IPv6Address(host)
    except AddressValueError as error:
        problem = f"expected an IPv6 address in the brackets, got {host!r} ({error})"
        raise _NotAnAddress(problem, "Write, for instance, [::1]:5000.") from error


def _check_host(host: str, rest: str) -> None:
    if not host and not rest:
        raise _NotAnAddress(f"expected {EXAMPLES}, got nothing", "Write, for instance, 127.0.0.1:5000.")
    if host == "*":
        raise _NotAnAddress("expected a host name, got '*'", f"For every interface leave it out: {rest or ':5000'}.")
    if not set(host) <= HOST_CHARACTERS:
        wrong = next(character for character in host if character not in HOST_CHARACTERS)
        raise _NotAnAddress(f"expected a host name, got {host!r} with {wrong!r} in it", f"Write {EXAMPLES}.")
    if host.isdigit():
        raise _NotAnAddress("expected a host, got a number", f"For the port write 127.0.0.1:{host}, or :{host} for every interface.")
    if host and host[-1].isdigit() and set(host) <= set("0123456789."):
        try:
            IPv4Address(host)  # the system would also take 127.1, and mean 127.0.0.1
        except AddressValueError as error:
            raise _NotAnAddress(f"expected an IPv4 address, got {host!r} ({error})", "Write one such as 127.0.0.1.") from error


def _parse_unix(text: str) -> UnixAddress:
    text, _, query = text.partition("?")
    path = _parse_path(text, "unix")
    return UnixAddress(path, **_parse_options(path, query)) if query else UnixAddress(path)


def _parse_path(path: str, scheme: str) -> str:
    if path.startswith("//"):
        if not path.startswith("///"):
            raise _NotAnAddress("expected a path, got two slashes", f"Write {scheme}:{path[1:]} for an absolute path.")
        path = path[2:]
    if path in {"", "@"}:
        raise _NotAnAddress(
            "expected a path", f"Write, for instance, {scheme}:/run/app.sock, or {scheme}:@name for an abstract name (Linux)."
        )
    if "\0" in path:
        raise _NotAnAddress("a path cannot hold a NUL", f"For an abstract name write {scheme}:@name.")
    length = len(os.fsencode(path))
    if length > PATH_LIMIT:
        raise _NotAnAddress(f"expected at most {PATH_LIMIT} bytes of path, got {length}", "Choose a shorter path.")
    return path


class _Options(TypedDict, total=False):
    mode: int
    owner: str


def _parse_options(path: str, query: str) -> _Options:
    if path.startswith("@"):
        raise _NotAnAddress("an abstract name has no file, so neither mode nor owner", "Leave them out, or write a path.")
    options: _Options = {}
    for option in query.split("&"):
        name, _, value = option.partition("=")
        if name == "mode" and MODE.fullmatch(value):
            options["mode"] = int(value, 8)
        elif name == "owner" and OWNER.fullmatch(value):
            options["owner"] = value
        else:
            raise _NotAnAddress(f"expected mode=660 or owner=user:group behind the question mark, got {option!r}", f"Write unix:{path}.")
    return options

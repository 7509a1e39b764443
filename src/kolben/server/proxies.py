"""Who a request came from, when it came through proxies that are trusted; from anybody else such words are ignored.

    X-Forwarded-For: client, proxy1        X-Forwarded-Proto: https    X-Forwarded-Host: shop.example    X-Forwarded-Prefix: /shop
    Forwarded: for=client;proto=https;host=shop.example, for=proxy1                                       (RFC 7239)

Each proxy appends whom it saw.  So the list is read from its end, as long as it names proxies that are trusted: the first other
address is the client's, and all that stands before it may be the client's own invention.

SECURITY: only one of the two ways is read, the one that the proxy is known to write.  A proxy that appends to X-Forwarded-For lets a
Forwarded of the client's pass untouched, and the other way round.  Likewise X-Forwarded-Host and X-Forwarded-Prefix: most proxies set
neither and pass the client's on, so they are read only where somebody says that the proxy sets them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from kolben.base import UsageError
from kolben.http import Handler

if TYPE_CHECKING:
    from kolben.http import Plan, Request

__all__ = ["ProxyHandler", "Trust", "parse_trust"]

Network = IPv4Network | IPv6Network
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))
HOPS = 32  # how many proxies in a row are looked at; a longer list is somebody's play
SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
KNOWN = 4096  # peers whose trust is remembered
# One element's pairs (RFC 7239, section 4): a token or a quoted string as value; no two of its parts can match the same text.
PAIR = re.compile(r'[ \t]*([A-Za-z]+)=("[^"\\]*"|[^";,\s]*)[ \t]*')
HAS_PORT = re.compile(r":[0-9]+$")
HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# Not "//", which a browser takes for a host; nothing that would have to be quoted in a URL.
PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)+/?")


class Trust:
    """Which peers are proxies of ours.  `unix`: whoever reached a Unix socket is one."""

    def __init__(self, networks: list[Network], *, unix: bool = False) -> None:
        self.networks = networks
        self.unix = unix
        self._known: dict[str, bool] = {}

    def and_this_machine(self) -> Trust:
        """Return whoever may have any number of connections: proxies, and what runs beside us."""
        return Trust([*self.networks, *LOOPBACK], unix=True)

    def __contains__(self, host: str | None) -> bool:
        if host is None:
            return self.unix
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            known = self._known[host] = self._looks_up(host)
        return known

    def _looks_up(self, host: str) -> bool:
        address = read_address(host)
        return address is not None and any(address in network for network in self.networks)


def parse_trust(text: str) -> Trust:
    """Read "10.0.0.0/8, 2001:db8::1, unix".

    Raises:
        UsageError: there is something else in it.
    """
    networks: list[Network] = []
    words = text.replace(",", " ").split()
    for word in words:
        if word == "unix":
            continue
        try:
            networks.append(ip_network(word))
        except ValueError as error:
            msg = f"--proxy: expected addresses, networks or `unix`, got {word!r} ({error})\n  Do: write it as in --proxy 10.0.0.0/8,unix"
            raise UsageError(msg) from None
    return Trust(networks, unix="unix" in words)


class ProxyHandler(Handler):
    """Another handler, whose requests come from where trusted proxies say."""

    def __init__(self, handler: Handler, trust: Trust, *, standard: bool = False, host: bool = False, prefix: bool = False) -> None:
        """Take another handler's place.

        Args:
            handler: Who matches.
            trust: Whose word is taken.
            standard: They write Forwarded, not X-Forwarded-For; `host` is one of its words, and is read.
            host: They set X-Forwarded-Host.
            prefix: They set X-Forwarded-Prefix, and take that prefix off the path.
        """
        self.request_class = handler.request_class
        self.lifespan = handler.lifespan
        self.routes = handler.routes
        self._handler = handler
        self._trust = trust
        self._hops = forwarded_hops if standard else x_forwarded_hops
        self._host = host and not standard
        self._prefix = prefix

    def match(self, request: Request) -> Plan:
        """Correct the request, then ask the other handler."""
        if request.remote_addr in self._trust:
            client, scheme, host = find_client(self._hops(request), self._trust)
            if client or scheme:
                request._come_from(client, scheme)
            if self._host:
                host = last_word(request, "X-Forwarded-Host")
            if host and HOST.fullmatch(host) and host != request.headers.get("Host"):
                set_host(request, host)
            if self._prefix and PREFIX.fullmatch(prefix := last_word(request, "X-Forwarded-Prefix")):
                request.root_path = request.environ["SCRIPT_NAME"] = prefix.rstrip("/")
        return self._handler.match(request)


Hop = tuple[str, str, str]  # who a proxy saw, by which scheme and under which name of ours; "" where it does not say


def find_client(hops: list[Hop], trust: Trust) -> tuple[str | None, str | None, str]:
    """Return the client's address, its scheme and the host it asked, as far as trusted proxies tell; nearest hop last."""
    client = scheme = None
    host = ""
    for seen, by, name in reversed(hops[-HOPS:]):
        scheme = SCHEMES.get(by.lower(), scheme)
        host = name or host
        address = read_address(seen)
        if address is None:
            break
        client = str(address)
        if client not in trust:
            break
    return client, scheme, host


def x_forwarded_hops(request: Request) -> list[Hop]:
    """Read X-Forwarded-For and X-Forwarded-Proto; a single scheme is what the outermost proxy saw, and holds for all."""
    seen = words_of(request, "X-Forwarded-For")
    schemes = words_of(request, "X-Forwarded-Proto")
    if len(schemes) != len(seen):
        schemes = [schemes[-1]] * len(seen)
    return [(each, scheme, "") for each, scheme in zip(seen, schemes, strict=True)]


def forwarded_hops(request: Request) -> list[Hop]:
    """Read Forwarded; what does not keep to the RFC's grammar says nothing."""
    hops = []
    for element in words_of(request, "Forwarded"):
        pairs = {}
        for part in element.split(";"):
            if pair := PAIR.fullmatch(part):
                pairs[pair[1].lower()] = pair[2].strip('"')
        hops.append((pairs.get("for", ""), pairs.get("proto", ""), pairs.get("host", "")))
    return hops


def words_of(request: Request, name: str) -> list[str]:
    """Return what stands between the commas of all lines of a field, the last HOPS of them; there is always one, perhaps empty."""
    return [word.strip() for word in ",".join(request.headers.getlist(name)).split(",")[-HOPS:]]


def last_word(request: Request, name: str) -> str:
    """Return what the nearest proxy wrote."""
    return words_of(request, name)[-1]


def set_host(request: Request, host: str) -> None:
    """Let a request have been sent to another host.  Rare, so by way of its environ, which is the truth once it was made."""
    environ = request.environ
    environ["HTTP_HOST"] = host
    name, _, port = host.rpartition(":") if HAS_PORT.search(host) else (host, "", "")
    environ["SERVER_NAME"] = name
    environ["SERVER_PORT"] = port or ("443" if request.scheme == "https" else "80")


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, perhaps with a port: 192.0.2.1, 192.0.2.1:4000, [2001:db8::1], [2001:db8::1]:4000, 2001:db8::1."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return None if "%" in text else address

"""Who a request came from, when it came through proxies that are trusted; from anybody else such words are ignored.

    X-Forwarded-For: client, proxy1        X-Forwarded-Proto: https
    Forwarded: for=client;proto=https, for=proxy1                      (RFC 7239)

Each proxy appends whom it saw.  So the list is read from its end, as long as it names proxies that are trusted: the first other
address is the client's, and all that stands before it may be the client's own invention.

SECURITY: only one of the two ways is read, the one that the proxy is known to write.  A proxy that appends to X-Forwarded-For lets a
Forwarded of the client's pass untouched, and the other way round.
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

    def __init__(self, handler: Handler, trust: Trust, *, standard: bool = False) -> None:
        """`standard`: the proxy writes Forwarded, not X-Forwarded-For."""
        self.request_class = handler.request_class
        self.lifespan = handler.lifespan
        self._handler = handler
        self._trust = trust
        self._hops = forwarded_hops if standard else x_forwarded_hops

    def match(self, request: Request) -> Plan:
        """Correct the request, then ask the other handler."""
        if request.remote_addr in self._trust:
            client, scheme = find_client(self._hops(request), self._trust)
            if client or scheme:
                request._come_from(client, scheme)
        return self._handler.match(request)


Hop = tuple[str, str]  # who a proxy saw, and by which scheme; "" where it does not say


def find_client(hops: list[Hop], trust: Trust) -> tuple[str | None, str | None]:
    """Return the client's address and the scheme it used, as far as trusted proxies tell; nearest hop last."""
    client = scheme = None
    for seen, by in reversed(hops[-HOPS:]):
        scheme = SCHEMES.get(by.lower(), scheme)
        address = read_address(seen)
        if address is None:
            break
        client = str(address)
        if client not in trust:
            break
    return client, scheme


def x_forwarded_hops(request: Request) -> list[Hop]:
    """Read X-Forwarded-For and X-Forwarded-Proto; a single scheme is what the outermost proxy saw, and holds for all."""
    seen = [word.strip() for word in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")[-HOPS:]]
    schemes = [word.strip() for word in ",".join(request.headers.getlist("X-Forwarded-Proto")).split(",")[-HOPS:]]
    if len(schemes) != len(seen):
        schemes = [schemes[-1]] * len(seen)
    return list(zip(seen, schemes, strict=True))


def forwarded_hops(request: Request) -> list[Hop]:
    """Read Forwarded; what does not keep to the RFC's grammar says nothing."""
    hops = []
    for element in ",".join(request.headers.getlist("Forwarded")).split(",")[-HOPS:]:
        pairs = {}
        for part in element.split(";"):
            if pair := PAIR.fullmatch(part):
                pairs[pair[1].lower()] = pair[2].strip('"')
        hops.append((pairs.get("for", ""), pairs.get("proto", "")))
    return hops


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

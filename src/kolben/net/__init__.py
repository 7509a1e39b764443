"""Sockets: addresses, listeners, streams, datagrams, TLS, timers, the native poller.  Has never heard of HTTP."""

from kolben.net.address import Address, InheritedAddress, TCPAddress, UnixAddress, parse_address
from kolben.net.listener import Listener, listen, listen_all

__all__ = ["Address", "InheritedAddress", "Listener", "TCPAddress", "UnixAddress", "listen", "listen_all", "parse_address"]

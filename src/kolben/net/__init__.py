"""Sockets: addresses, listeners, streams, datagrams, TLS, timers, the native poller.  Has never heard of HTTP."""

from kolben.net.address import (
    Address,
    InheritedAddress,
    TCPAddress,
    TLSAddress,
    UDPAddress,
    UnixAddress,
    UnixDatagramAddress,
    parse_address,
)
from kolben.net.connecting import connect
from kolben.net.datagram import Datagram, DatagramSocket, bind
from kolben.net.listener import Listener, listen, listen_all
from kolben.net.stream import Stream

__all__ = [
    "Address",
    "Datagram",
    "DatagramSocket",
    "InheritedAddress",
    "Listener",
    "Stream",
    "TCPAddress",
    "TLSAddress",
    "UDPAddress",
    "UnixAddress",
    "UnixDatagramAddress",
    "bind",
    "connect",
    "listen",
    "listen_all",
    "parse_address",
]

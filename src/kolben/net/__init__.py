"""Sockets: addresses, listeners, streams, datagrams, TLS, timers, the native poller.  Has never heard of HTTP."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
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

# Loaded when asked for: an app that only writes an address down needs none of it.
_LATER = {
    "Datagram": "datagram",
    "DatagramSocket": "datagram",
    "Listener": "listener",
    "Stream": "stream",
    "bind": "datagram",
    "connect": "connecting",
    "listen": "listener",
    "listen_all": "listener",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return value

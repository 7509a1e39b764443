"""Bytes in and out of one connection."""

from typing_extensions import disjoint_base

from kolben.net._endpoint import Endpoint
from kolben.net.address import TCPAddress, TLSAddress, UnixAddress
from kolben.net.tls import Layer

@disjoint_base
class Flow(Endpoint):
    """The bytes of one connection, in both directions.

    Attributes:
        queued: Bytes that the system has not taken yet.
        high_water: Of them, above which send() waits.
        low_water: And down to which.
    """

    high_water: int
    low_water: int
    @property
    def queued(self) -> int: ...
    @property
    def is_closed(self) -> bool: ...
    @property
    def peer_address(self) -> TCPAddress | TLSAddress | UnixAddress: ...
    @property
    def local_address(self) -> TCPAddress | TLSAddress | UnixAddress: ...
    def begin_tls(self, layer: Layer) -> None: ...
    @property
    def tls(self) -> Layer | None: ...

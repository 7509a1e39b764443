"""Replies to datagrams that leave together; for native code alone."""

from typing_extensions import disjoint_base

from kolben.net._datagram import DatagramSocket

@disjoint_base
class Replies:
    """What was answered and is not sent yet."""

    def __init__(self, sock: DatagramSocket) -> None: ...

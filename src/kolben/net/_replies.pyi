"""Replies to datagrams that leave together; for native code alone."""

from kolben.net._datagram import DatagramSocket

class Replies:
    """What was answered and is not sent yet."""

    def __init__(self, sock: DatagramSocket) -> None: ...

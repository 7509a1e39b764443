"""What is known of a connection's ends."""

from typing_extensions import disjoint_base

from kolben.http._message import ConnectionInfo

@disjoint_base
class ConnectionFacts(ConnectionInfo):
    """Both ends' addresses; outlives the connection where a request is kept."""

"""What one peer says: heads, and what follows them."""

from typing_extensions import disjoint_base

from kolben.server._body import BodyReceiver

@disjoint_base
class Receiver(BodyReceiver):
    """The side of a connection that reads."""

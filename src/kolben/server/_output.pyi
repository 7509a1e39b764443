"""What is said to one peer: sent at once if the kernel takes it, else kept, with a deadline, until it does."""

from typing_extensions import disjoint_base

from kolben.server._watched import Watched

@disjoint_base
class Sender(Watched):
    """The side of a connection that writes."""

    @property
    def pending_size(self) -> int:
        """Bytes that wait to be sent."""

"""What a reactor watches: a descriptor, a timer and what to do when something comes; and whose fault an exception is."""

from typing_extensions import disjoint_base

@disjoint_base
class Watched:
    """Something with a descriptor that a reactor watches: a listener, a connection."""

@disjoint_base
class Graveyard:
    """What was forgotten while events of the batch may still point there."""

    def clear(self) -> None:
        """Let go of all of it: the batch is handled."""

"""When the server is too far behind to take more requests, and when it has caught up."""

from typing_extensions import disjoint_base

@disjoint_base
class Backlog:
    """The rule for one queue."""

    def __init__(self, what: str, patience: float, target: float) -> None: ...
    @property
    def behind(self) -> bool:
        """Whether requests are refused that wait for more than a moment."""

    @property
    def refused(self) -> int:
        """How many were, since it fell behind."""

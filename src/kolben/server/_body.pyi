"""Bodies of requests: collected, spooled to a file, or read while they come."""

from typing_extensions import disjoint_base

from kolben.http.incoming import IncomingBody
from kolben.server._output import Sender

@disjoint_base
class BodyReceiver(Sender):
    """The side of a connection that takes bodies."""

    def spill(self) -> None:
        """Write what there is of the body to a temporary file, off the loop; reading rests meanwhile."""

    def on_spilled(self, error: Exception | None) -> None:
        """In a turn: a batch is written, or could not be."""

    def on_spooled(self, error: Exception | None) -> None:
        """In a turn: the whole body is in its file, or could not be written."""

    def refuse_for_quota(self, size: int) -> None:
        """A body of `size` bytes or more does not fit into `limits.spool`: not now, or never."""

    def on_body_wanted_elsewhere(self, incoming: IncomingBody) -> None:
        """In whatever thread reads: reading begins, or there is room again."""

    def on_body_wanted(self, incoming: IncomingBody) -> None:
        """In a turn: the same."""

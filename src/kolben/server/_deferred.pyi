"""Small answers of one batch of events, sent together."""

from typing_extensions import disjoint_base

@disjoint_base
class Deferred:
    """Holds each answer until the batch ends, or the first has waited for long enough."""

"""Words that every room uses: errors, limits, time, typing."""

from kolben.base.errors import (
    KolbenError,
    LimitExceeded,
    LocalProtocolError,
    ProtocolError,
    RegistrationError,
    RemoteProtocolError,
    UsageError,
)
from kolben.base.limits import Limits, Timeouts

__all__ = [
    "KolbenError",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "ProtocolError",
    "RegistrationError",
    "RemoteProtocolError",
    "Timeouts",
    "UsageError",
]

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
from kolben.base.time import Clock, FakeClock, MonotonicClock, milliseconds

__all__ = [
    "Clock",
    "FakeClock",
    "KolbenError",
    "LimitExceeded",
    "Limits",
    "LocalProtocolError",
    "MonotonicClock",
    "ProtocolError",
    "RegistrationError",
    "RemoteProtocolError",
    "Timeouts",
    "UsageError",
    "milliseconds",
]

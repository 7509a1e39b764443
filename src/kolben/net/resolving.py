"""Which socket addresses a connect is to try, and in which order (RFC 8305).

Refuses to ask for names itself: the blocking form may wait for the answer, the awaiting form must not.
"""

import itertools
import socket
from collections.abc import Sequence

from kolben.base.errors import UsageError
from kolben.net.address import (
    Address,
    TCPAddress,
    TLSAddress,
    UDPAddress,
    parse_address,
)
from kolben.net.errors import UnknownHostError

__all__ = ["ATTEMPT_DELAY", "Candidate", "in_order", "is_literal", "read_target", "unknown_host"]

ATTEMPT_DELAY = 0.25  # seconds that one attempt has for itself before the next begins beside it (RFC 8305, section 5)

Candidate = tuple[int, tuple[str, int] | tuple[str, int, int, int]]
Found = Sequence[tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]]


def read_target(address: str | Address) -> Address:
    """Read whom to connect to.

    Raises:
        UsageError: it is no address, or nobody can be connected to it.
    """
    address = parse_address(address, deed="connect to")
    if isinstance(address, (TCPAddress, TLSAddress, UDPAddress)) and not (address.host and address.port):
        raise UsageError(f"cannot connect to {address}: expected a host and a port. Write, for instance, 127.0.0.1:5000.")
    return address


def is_literal(host: str) -> bool:
    """Whether it is an IPv4 or IPv6 address, so that nobody has to be asked."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True


def in_order(found: Found) -> list[Candidate]:
    """Families in turn, beginning with the system's first choice (RFC 8305, section 4)."""
    unique = list(dict.fromkeys((entry[0], entry[4]) for entry in found))
    first = [candidate for candidate in unique if candidate[0] == unique[0][0]]
    others = [candidate for candidate in unique if candidate[0] != unique[0][0]]
    pairs = itertools.zip_longest(first, others)
    return [candidate for pair in pairs for candidate in pair if candidate is not None]  # type: ignore[misc]  # typeshed knows families whose addresses are bytes


def unknown_host(address: TCPAddress | TLSAddress | UDPAddress, error: OSError) -> UnknownHostError:
    """Make the error for a name that nobody knows."""
    reason = f"the host name {address.host!r} is not known here ({error.strerror})"
    message = f"cannot connect to {address}: {reason}. Check its spelling, or write an IP address."
    return UnknownHostError(message, error.errno)

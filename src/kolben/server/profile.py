"""What every answer carries in production, and why: fields that a browser reads as orders to be careful.

An application that gives a field itself is obeyed.  Strict-Transport-Security is not here: it binds a whole host, for months, and only
who runs the host can know that all of it speaks TLS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kolben.http.marks import given_nonce, request_id
from kolben.http.response import set_house_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.http import Request

__all__ = ["SECURITY_FIELDS", "set_profile"]

SECURITY_FIELDS = {
    "X-Content-Type-Options": "nosniff",  # an upload that looks like HTML is not run as HTML
    "X-Frame-Options": "SAMEORIGIN",  # nobody else's page shows ours below an invisible button
    "Referrer-Policy": "strict-origin-when-cross-origin",  # paths and queries, and the tokens in them, stay here
}
NONCE = "{nonce}"  # in a policy: the request's
NONCE_SOURCE = re.compile(r" *'nonce-\{nonce\}'")


def set_profile(*, security: bool = True, content_policy: str | None = None, server: bool = True, request_ids: bool = False) -> None:
    """Say which fields stand in every answer of this process.

    Args:
        security: Those of SECURITY_FIELDS.
        content_policy: The value of a Content-Security-Policy; `'nonce-{nonce}'` in it is the request's nonce.
        server: The Server field, which says `kolben` and no version.
        request_ids: X-Request-ID, as the log has it.

    Raises:
        LocalProtocolError: the policy must not go on the wire.
    """
    fields: dict[str, str | Callable[[Request | None], str | None]] = dict(SECURITY_FIELDS) if security else {}
    if content_policy:
        fields["Content-Security-Policy"] = policy_with_nonce(content_policy) if NONCE in content_policy else content_policy
    if request_ids:
        fields["X-Request-ID"] = id_of
    set_house_fields(fields.items(), server=server)


def policy_with_nonce(policy: str) -> Callable[[Request | None], str | None]:
    """Return what makes a request's policy: with its nonce, or, where nobody asked for that, without: then nothing carries it."""
    without = NONCE_SOURCE.sub("", policy)

    def policy_of(request: Request | None) -> str:
        nonce = None if request is None else given_nonce(request)
        return without if nonce is None else policy.replace(NONCE, nonce)

    return policy_of


def id_of(request: Request | None) -> str | None:
    """Return the request's id; None where the bytes that came were no request."""
    return None if request is None else request_id(request)

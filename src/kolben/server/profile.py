"""What every answer carries in production, and why: fields that a browser reads as orders to be careful.

An application that gives a field itself is obeyed.  Strict-Transport-Security is not here: it binds a whole host, for months, and only
who runs the host can know that all of it speaks TLS.
"""

from __future__ import annotations

from kolben.http.response import set_house_fields

__all__ = ["SECURITY_FIELDS", "set_profile"]

SECURITY_FIELDS = {
    "X-Content-Type-Options": "nosniff",  # an upload that looks like HTML is not run as HTML
    "X-Frame-Options": "SAMEORIGIN",  # nobody else's page shows ours below an invisible button
    "Referrer-Policy": "strict-origin-when-cross-origin",  # paths and queries, and the tokens in them, stay here
}


def set_profile(*, security: bool = True, content_policy: str | None = None, server: bool = True) -> None:
    """Say which fields stand in every answer of this process.

    Args:
        security: Those of SECURITY_FIELDS.
        content_policy: The value of a Content-Security-Policy.
        server: The Server field, which says `kolben` and no version.

    Raises:
        LocalProtocolError: the policy must not go on the wire.
    """
    fields = dict(SECURITY_FIELDS) if security else {}
    if content_policy:
        fields["Content-Security-Policy"] = content_policy
    set_house_fields(fields.items(), server=server)

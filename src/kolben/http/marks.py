"""What sets one request apart from all others: the id that logs know it by, and the nonce of its page.

Each is made when it is first asked for, and stays.

SECURITY: an id of the peer's is taken only if it is short and plain, for it goes into logs and back into the answer.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kolben.http.request import Request

__all__ = ["csp_nonce", "given_nonce", "request_id"]

ID_LIMIT = 64  # characters of an id that a peer sends
ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+/=")
NONCE_SIZE = 16  # bytes: 128 bits, as the specification asks (Content Security Policy Level 3, section 7.1)

_numbers = count(1)
_prefixes: dict[int, str] = {}  # by process: a child that was forked off must not make its parent's ids


def request_id(request: Request) -> str:
    """Return what a log calls this request: the X-Request-ID that came with it, if that is fit to be logged, else one of ours."""
    found: str | None = request.__dict__.get("_request_id")
    if found is None:
        text = request.headers.get("X-Request-ID")
        is_fit = text and len(text) <= ID_LIMIT and ID_CHARACTERS.issuperset(text)
        found = request.__dict__["_request_id"] = text if text and is_fit else _make_id()
    return found


def _make_id() -> str:
    process = os.getpid()
    prefix = _prefixes.get(process)
    if prefix is None:
        prefix = _prefixes[process] = os.urandom(6).hex()
    return f"{prefix}-{next(_numbers):x}"


def csp_nonce(request: Request) -> str:
    """Return the nonce that this request's Content-Security-Policy names, for `<script nonce=...>`."""
    found: str | None = request.__dict__.get("_csp_nonce")
    if found is None:
        found = request.__dict__["_csp_nonce"] = urlsafe_b64encode(os.urandom(NONCE_SIZE)).decode().rstrip("=")
    return found


def given_nonce(request: Request) -> str | None:
    """Return the nonce, if somebody asked for it."""
    found: str | None = request.__dict__.get("_csp_nonce")
    return found

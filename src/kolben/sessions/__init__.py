"""Signed cookies and session stores."""

from kolben.sessions.interface import (
    SecureCookieSessionInterface,
    SessionInterface,
    session_json_serializer,
)
from kolben.sessions.mapping import NullSession, SecureCookieSession, SessionMixin
from kolben.sessions.tag import TaggedJSONSerializer

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "TaggedJSONSerializer",
    "session_json_serializer",
]

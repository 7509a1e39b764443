"""How a session comes out of a request and goes into a response."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from itsdangerous import BadSignature

from kolben.base.watched import WatchedType, tell
from kolben.sessions.mapping import NullSession, SecureCookieSession, SessionMixin
from kolben.sessions.signing import Serializers
from kolben.sessions.tag import TaggedJSONSerializer

if TYPE_CHECKING:
    from itsdangerous import URLSafeTimedSerializer
    from werkzeug.wrappers import Request, Response

__all__ = ["METHODS", "SecureCookieSessionInterface", "SessionInterface", "session_json_serializer"]


class SessionInterface(metaclass=WatchedType):
    """What an app asks about sessions.  A subclass gives `open_session` and `save_session`.

    `app` is whatever has `config`, `secret_key` and `permanent_session_lifetime`.

    Attributes:
        null_session_class: Stands in when `open_session` returns None.
        pickle_based: Whether the stored form is a pickle.
    """

    null_session_class = NullSession
    pickle_based = False

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; an `open_session` of one's own is called at once, as Flask does, from the next request on."""
        super().__setattr__(name, value)
        tell()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        tell()

    def make_null_session(self, app: Any) -> NullSession:
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Any) -> str:
        return cast("str", app.config["SESSION_COOKIE_NAME"])

    def get_cookie_domain(self, app: Any) -> str | None:
        return cast("str | None", app.config["SESSION_COOKIE_DOMAIN"])

    def get_cookie_path(self, app: Any) -> str:
        return cast("str", app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"])

    def get_cookie_httponly(self, app: Any) -> bool:
        return cast("bool", app.config["SESSION_COOKIE_HTTPONLY"])

    def get_cookie_secure(self, app: Any) -> bool:
        return cast("bool", app.config["SESSION_COOKIE_SECURE"])

    def get_cookie_samesite(self, app: Any) -> str | None:
        return cast("str | None", app.config["SESSION_COOKIE_SAMESITE"])

    def get_cookie_partitioned(self, app: Any) -> bool:
        return cast("bool", app.config["SESSION_COOKIE_PARTITIONED"])

    def get_expiration_time(self, app: Any, session: SessionMixin) -> datetime | None:
        """Return when the browser is to forget the cookie; None: when it closes."""
        return datetime.now(UTC) + app.permanent_session_lifetime if session.permanent else None

    def should_set_cookie(self, app: Any, session: SessionMixin) -> bool:
        """Tell whether this answer needs the cookie: the session changed, or slides on with each request."""
        return session.modified or bool(session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def open_session(self, app: Any, request: Request) -> SessionMixin | None:
        """Return the request's session; None: sessions are not set up.  Called when a request's context is pushed."""
        raise NotImplementedError

    def save_session(self, app: Any, session: SessionMixin, response: Response) -> None:
        """Put the session into the response.  Called after the after-request functions, never with a null session."""
        raise NotImplementedError


session_json_serializer = TaggedJSONSerializer()


def _sha1(data: bytes = b"") -> Any:
    # Looked up when called: a FIPS build of OpenSSL has no SHA-1, and importing this must still work there.
    return hashlib.sha1(data)  # noqa: S324 - what Flask's cookies are signed with; in an HMAC it is sound


_SERIALIZERS = Serializers()


class SecureCookieSessionInterface(SessionInterface):
    """Sessions in a cookie that the client can read but not change.  Flask reads ours, we read Flask's.

    Attributes:
        salt, key_derivation, digest_method: How the signature is made.  Changing one makes all cookies invalid.
        serializer: Has `dumps` and `loads`.
        session_class: What a view gets.
    """

    salt = "cookie-session"
    digest_method = staticmethod(_sha1)
    key_derivation = "hmac"
    serializer: Any = session_json_serializer
    session_class = SecureCookieSession

    def get_signing_serializer(self, app: Any) -> URLSafeTimedSerializer | None:
        """Return what signs and checks cookies; None without a secret key."""
        if not app.secret_key:
            return None
        # The last key signs, all may have signed what comes in.
        keys = (*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key)
        return _SERIALIZERS.get(
            keys,
            salt=self.salt,
            serializer=self.serializer,
            key_derivation=self.key_derivation,
            digest_method=self.digest_method,
            digest_name="sha1" if self.digest_method is _sha1 else None,
        )

    def open_session(self, app: Any, request: Request) -> SecureCookieSession | None:
        signer = self.get_signing_serializer(app)
        if signer is None:
            return None
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie:
            return self.session_class()
        try:
            return self.session_class(signer.loads(cookie, max_age=int(app.permanent_session_lifetime.total_seconds())))
        except BadSignature:  # forged, too old, or signed with a key that is gone
            return self.session_class()

    def save_session(self, app: Any, session: SessionMixin, response: Response) -> None:
        if session.accessed:
            _vary_on_cookie(response)
        if not session:
            if session.modified:  # emptied in this request
                response.delete_cookie(self.get_cookie_name(app), **self._attributes(app))
                _vary_on_cookie(response)
            return
        if self.should_set_cookie(app, session):
            value = cast("URLSafeTimedSerializer", self.get_signing_serializer(app)).dumps(dict(session))
            expires = self.get_expiration_time(app, session)
            response.set_cookie(self.get_cookie_name(app), value, expires=expires, **self._attributes(app))
            _vary_on_cookie(response)

    def _attributes(self, app: Any) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "partitioned": self.get_cookie_partitioned(app),
            "samesite": self.get_cookie_samesite(app),
            "httponly": self.get_cookie_httponly(app),
        }


def _vary_on_cookie(response: Response) -> None:
    # PERF: `response.vary` parses and writes its field: 6 us for what is mostly the only word in it.
    vary = response.headers.getlist("Vary")
    if not vary:
        response.headers.add("Vary", "Cookie")
    elif vary != ["Cookie"]:
        response.vary.add("Cookie")


# As they are before anybody can have replaced one.
_CLASSES = (SessionInterface, SecureCookieSessionInterface)
METHODS = {name: value for cls in _CLASSES for name, value in vars(cls).items() if isinstance(value, FunctionType)}

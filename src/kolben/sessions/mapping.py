"""The session as a view sees it: a dict that knows whether it was used and changed."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, NoReturn

from werkzeug.datastructures import CallbackDict

__all__ = ["NullSession", "SecureCookieSession", "SessionMixin"]


class SessionMixin(MutableMapping[str, Any]):
    """What a session is beside a mapping.

    Attributes:
        new: Made in this request.
        modified: Changed in this request.  True unless a subclass finds out.
        accessed: Looked at in this request: the answer depends on the cookie.
    """

    new = False
    modified = True
    accessed = False

    @property
    def permanent(self) -> bool:
        """Whether it outlives the browser window: `app.permanent_session_lifetime` after the last use."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(CallbackDict[str, Any], SessionMixin):
    """A session that is stored in a signed cookie.

    It notices its own changes, not those inside a list or dict that it holds: then set `modified`.
    """

    modified = False

    def __init__(self, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(initial, _note_change)


def _note_change(session: SecureCookieSession) -> None:
    session.modified = True


class NullSession(SecureCookieSession):
    """The session of an app without a secret key: empty to read, refuses to be written."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(
            "The session is unavailable because no secret key was set. "
            "Set the secret_key on the application to something unique and secret."
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = _refuse

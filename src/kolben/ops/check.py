"""What is unsafe in an app's configuration once strangers can reach it, and the line to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kolben.base import Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "check_production"]

KEY_LENGTH = 16  # bytes: 128 bits, if they are random
GUESSED = {"dev", "development", "secret", "secret key", "secret-key", "secret_key", "changeme", "change me", "change-me", "test", "key"}
NEW_KEY = "app.config['SECRET_KEY'] = os.environ['SECRET_KEY']  # python -c 'import secrets; print(secrets.token_hex())'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is unsafe.

    Attributes:
        problem: What is so.
        reason: What can come of it.
        line: What to write.
    """

    problem: str
    reason: str
    line: str


def check_production(app: Any) -> list[Finding]:
    """Return what should be otherwise before strangers reach this app; nothing if all is well."""
    return [
        *check_debugging(app),
        *check_keys(app),
        *check_cookie(app),
        *check_hosts(app),
        *check_bodies(app),
        *check_deadlines(app),
        *check_proxy(app),
    ]


def check_debugging(app: Any) -> Iterator[Finding]:
    """What helps a developer, and an attacker."""
    config = app.config
    if app.debug:
        yield Finding("debug mode is on", "errors show the source and its values", "app.debug = False, or leave out what sets FLASK_DEBUG")
    for name in ("TESTING", "PROPAGATE_EXCEPTIONS", "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS"):
        if config.get(name):
            yield Finding(f"{name} is set", "errors leave the app instead of being answered with 500", f"app.config[{name!r}] = False")
    for name in ("TEMPLATES_AUTO_RELOAD", "EXPLAIN_TEMPLATE_LOADING"):
        if config.get(name):
            yield Finding(f"{name} is set", "every page looks at the disk again", f"app.config[{name!r}] = False")


def check_keys(app: Any) -> Iterator[Finding]:
    """The keys that sign sessions: who guesses one is anybody."""
    keys = [app.config.get("SECRET_KEY"), *(app.config.get("SECRET_KEY_FALLBACKS") or ())]
    if not keys[0]:
        yield Finding("there is no SECRET_KEY", "session and flash() fail when they are first used", NEW_KEY)
    for key in filter(None, keys):
        text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        if text.lower() in GUESSED or len(set(text)) < KEY_LENGTH // 4:
            yield Finding("a SECRET_KEY can be guessed", "who has it signs sessions for any user", NEW_KEY)
        elif len(key) < KEY_LENGTH:
            yield Finding(f"a SECRET_KEY is {len(key)} long, expected {KEY_LENGTH} or more", "it can be found by trying", NEW_KEY)


def check_cookie(app: Any) -> Iterator[Finding]:
    """The session's cookie."""
    config = app.config
    cookie = f"the cookie {config.get('SESSION_COOKIE_NAME')!r}"
    if not config.get("SESSION_COOKIE_SECURE"):
        line = "app.config['SESSION_COOKIE_SECURE'] = True"
        yield Finding(f"{cookie} is also sent without TLS", "who listens on the way has the session", line)
    if not config.get("SESSION_COOKIE_HTTPONLY", True):
        line = "app.config['SESSION_COOKIE_HTTPONLY'] = True"
        yield Finding(f"scripts can read {cookie}", "a script that got into a page has the session", line)
    if config.get("SESSION_COOKIE_SAMESITE") not in {"Lax", "Strict"}:
        line = "app.config['SESSION_COOKIE_SAMESITE'] = 'Lax'"
        yield Finding(f"{cookie} comes along with other sites' forms", "they can act as the user", line)


def check_hosts(app: Any) -> Iterator[Finding]:
    """Whose names the app answers to."""
    if not app.config.get("TRUSTED_HOSTS"):
        yield Finding(
            "any Host is answered",
            "links in mails and caches may lead to where an attacker says",
            "app.config['TRUSTED_HOSTS'] = ['shop.example']",
        )


def check_bodies(app: Any) -> Iterator[Finding]:
    """How much may be uploaded."""
    limits = getattr(app, "limits", None)
    if limits is not None and not limits.body and not app.config.get("MAX_CONTENT_LENGTH"):
        yield Finding("a body may be of any size", "one client fills the disk", "app.config['MAX_CONTENT_LENGTH'] = 16 * 1024 * 1024")


def check_deadlines(app: Any) -> Iterator[Finding]:
    """How long a client may keep what it holds."""
    timeouts = getattr(app, "timeouts", None)
    for name in ("first_byte", "head", "body", "write", "keep_alive"):
        if timeouts is not None and not getattr(timeouts, name):
            line = f"app.timeouts = Timeouts()  # or {name}={getattr(Timeouts(), name):g}"
            yield Finding(f"timeouts.{name} is switched off", "a client that does nothing keeps its connection for ever", line)


def check_proxy(app: Any) -> Iterator[Finding]:
    """Who is believed about the client."""
    if type(app.__dict__.get("wsgi_app")).__name__ == "ProxyFix":
        yield Finding(
            "ProxyFix believes everybody who reaches the server, and takes the slow path",
            "a client that reaches it directly says it is whoever it likes",
            "leave ProxyFix out, and serve with `kolben serve --proxy NETWORKS`",
        )

"""Flask's module `app`."""

from werkzeug.routing import Rule

from kolben.app.app import App
from kolben.app.contexts import AppContext, RequestContext
from kolben.app.files import send_from_directory
from kolben.app.flashing import get_flashed_messages
from kolben.app.globals import (
    _cv_app,
    _cv_request,
    current_app,
    g,
    request,
    request_ctx,
    session,
)
from kolben.app.settings import get_debug_flag, get_load_dotenv
from kolben.app.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from kolben.app.wrappers import Request, Response
from kolben.base import Limits
from kolben.sessions import SecureCookieSessionInterface, SessionInterface

__all__ = [
    "App",
    "AppContext",
    "Flask",
    "Request",
    "RequestContext",
    "Response",
    "Rule",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "_cv_app",
    "_cv_request",
    "appcontext_tearing_down",
    "current_app",
    "g",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "got_request_exception",
    "request",
    "request_ctx",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_from_directory",
    "session",
]


class Flask(App):
    """An App with Flask's defaults where Kolben's differ: Flask bounds a body when it is read (MAX_CONTENT_LENGTH), not on the wire."""

    limits = Limits(body=0)

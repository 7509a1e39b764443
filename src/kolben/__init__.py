"""Kolben: a web framework from the socket up to the page, with Flask's API on an engine of its own."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0.dev0"

if sys.platform == "win32":
    raise ImportError("Kolben does not run on Windows itself: install WSL (`wsl --install`) and use it there.")

if TYPE_CHECKING:
    from kolben.app.aborting import abort as abort
    from kolben.app.app import App as App
    from kolben.app.awaited_rendering import arender_template as arender_template
    from kolben.app.awaited_rendering import arender_template_string as arender_template_string
    from kolben.app.awaited_rendering import astream_template as astream_template
    from kolben.app.awaited_rendering import astream_template_string as astream_template_string
    from kolben.app.blueprints import Blueprint as Blueprint
    from kolben.app.contexts import after_response as after_response
    from kolben.app.contexts import after_this_request as after_this_request
    from kolben.app.contexts import copy_current_request_context as copy_current_request_context
    from kolben.app.contexts import has_app_context as has_app_context
    from kolben.app.contexts import has_request_context as has_request_context
    from kolben.app.files import send_file as send_file
    from kolben.app.files import send_from_directory as send_from_directory
    from kolben.app.flashing import flash as flash
    from kolben.app.flashing import get_flashed_messages as get_flashed_messages
    from kolben.app.globals import current_app as current_app
    from kolben.app.globals import g as g
    from kolben.app.globals import request as request
    from kolben.app.globals import session as session
    from kolben.app.json import jsonify as jsonify
    from kolben.app.rendering import render_template as render_template
    from kolben.app.rendering import render_template_string as render_template_string
    from kolben.app.rendering import stream_template as stream_template
    from kolben.app.rendering import stream_template_string as stream_template_string
    from kolben.app.responses import make_response as make_response
    from kolben.app.streaming import stream_with_context as stream_with_context
    from kolben.app.urls import redirect as redirect
    from kolben.app.urls import url_for as url_for
    from kolben.app.wrappers import Request as Request
    from kolben.app.wrappers import Response as Response
    from kolben.base import KolbenError as KolbenError
    from kolben.base import Limits as Limits
    from kolben.base import Timeouts as Timeouts
    from kolben.base import UsageError as UsageError

# Where each public name lives.  A module is imported when one of its names is asked for, so that `kolben --help` waits for none.
_HOME = {
    "App": "app.app",
    "Blueprint": "app.blueprints",
    "KolbenError": "base",
    "Limits": "base",
    "Request": "app.wrappers",
    "Response": "app.wrappers",
    "Timeouts": "base",
    "UsageError": "base",
    "abort": "app.aborting",
    "after_response": "app.contexts",
    "after_this_request": "app.contexts",
    "arender_template": "app.awaited_rendering",
    "arender_template_string": "app.awaited_rendering",
    "astream_template": "app.awaited_rendering",
    "astream_template_string": "app.awaited_rendering",
    "copy_current_request_context": "app.contexts",
    "current_app": "app.globals",
    "flash": "app.flashing",
    "g": "app.globals",
    "get_flashed_messages": "app.flashing",
    "has_app_context": "app.contexts",
    "has_request_context": "app.contexts",
    "jsonify": "app.json",
    "make_response": "app.responses",
    "redirect": "app.urls",
    "render_template": "app.rendering",
    "render_template_string": "app.rendering",
    "request": "app.globals",
    "send_file": "app.files",
    "send_from_directory": "app.files",
    "session": "app.globals",
    "stream_template": "app.rendering",
    "stream_template_string": "app.rendering",
    "stream_with_context": "app.streaming",
    "url_for": "app.urls",
}

__all__ = [  # a literal list, for type checkers; tests/test_porch.py holds it against _HOME
    "App",
    "Blueprint",
    "KolbenError",
    "Limits",
    "Request",
    "Response",
    "Timeouts",
    "UsageError",
    "__version__",
    "abort",
    "after_response",
    "after_this_request",
    "arender_template",
    "arender_template_string",
    "astream_template",
    "astream_template_string",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "has_app_context",
    "has_request_context",
    "jsonify",
    "make_response",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "url_for",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

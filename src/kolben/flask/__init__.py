"""Doors: Flask's module names over our rooms, and install() that makes `import flask` mean Kolben.  No logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kolben.app.rendering import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from kolben.flask import json
from kolben.flask._install import FLASK_VERSION, install
from kolben.flask.app import Flask
from kolben.flask.blueprints import Blueprint
from kolben.flask.config import Config
from kolben.flask.ctx import (
    after_this_request,
    copy_current_request_context,
    has_app_context,
    has_request_context,
)
from kolben.flask.globals import current_app, g, request, session
from kolben.flask.helpers import (
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    send_file,
    send_from_directory,
    stream_with_context,
    url_for,
)
from kolben.flask.json import jsonify
from kolben.flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    before_render_template,
    got_request_exception,
    message_flashed,
    request_finished,
    request_started,
    request_tearing_down,
    template_rendered,
)
from kolben.flask.wrappers import Request, Response

__all__ = [
    "Blueprint",
    "Config",
    "Flask",
    "Request",
    "Response",
    "abort",
    "after_this_request",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "copy_current_request_context",
    "current_app",
    "flash",
    "g",
    "get_flashed_messages",
    "get_template_attribute",
    "got_request_exception",
    "has_app_context",
    "has_request_context",
    "install",
    "json",
    "jsonify",
    "make_response",
    "message_flashed",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "send_file",
    "send_from_directory",
    "session",
    "stream_template",
    "stream_template_string",
    "stream_with_context",
    "template_rendered",
    "url_for",
]

SUBMODULES = {"cli", "debughelpers", "logging", "sansio", "sessions", "templating", "testing", "typing", "views"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__version__":  # as in Flask 3.1: it answers, and says that it will go
            import warnings

            warnings.warn(
                "The '__version__' attribute is deprecated and will be removed in Flask 3.2. Use feature detection or"
                " 'importlib.metadata.version(\"flask\")' instead.",
                DeprecationWarning,
                stacklevel=2,
            )
            return FLASK_VERSION
        if name in SUBMODULES:  # with Flask, `import flask` is enough for them; here once asked for, not before
            import importlib

            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

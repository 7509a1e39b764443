"""Flask's module `helpers`."""

from kolben.app.aborting import abort
from kolben.app.files import _prepare_send_file_kwargs, send_file, send_from_directory
from kolben.app.flashing import flash, get_flashed_messages
from kolben.app.globals import (
    _cv_app,
    _cv_request,
    current_app,
    request,
    request_ctx,
    session,
)
from kolben.app.places import get_root_path
from kolben.app.rendering import get_template_attribute
from kolben.app.responses import make_response
from kolben.app.scaffold import _split_blueprint_path
from kolben.app.settings import get_debug_flag, get_load_dotenv
from kolben.app.signals import message_flashed
from kolben.app.streaming import stream_with_context
from kolben.app.urls import redirect, url_for

__all__ = [
    "_cv_app",
    "_cv_request",
    "_prepare_send_file_kwargs",
    "_split_blueprint_path",
    "abort",
    "current_app",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "message_flashed",
    "redirect",
    "request",
    "request_ctx",
    "send_file",
    "send_from_directory",
    "session",
    "stream_with_context",
    "url_for",
]

"""Flask's module `templating`."""

from kolben.app.rendering import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from kolben.app.scaffold import _default_template_ctx_processor
from kolben.templating import DispatchingJinjaLoader, Environment

__all__ = [
    "DispatchingJinjaLoader",
    "Environment",
    "_default_template_ctx_processor",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]

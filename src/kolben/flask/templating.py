"""Flask's module `templating`."""

from jinja2 import BaseLoader, Template, TemplateNotFound

from kolben.app.rendering import (
    render_template,
    render_template_string,
    stream_template,
    stream_template_string,
)
from kolben.app.scaffold import _default_template_ctx_processor
from kolben.templating import DispatchingJinjaLoader, Environment

__all__ = [
    "BaseLoader",
    "DispatchingJinjaLoader",
    "Environment",
    "Template",
    "TemplateNotFound",
    "_default_template_ctx_processor",
    "render_template",
    "render_template_string",
    "stream_template",
    "stream_template_string",
]
